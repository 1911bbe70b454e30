// What agents are expected to be allowed and to achieve, tried out: eval sets, their runs, and the coverage these give.
import type { JsonObject } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf } from './guard.ts';
import type { Transport } from './transport.ts';

export interface EvalSet {
  readonly name: string;
  /** Hash of what it says. */
  readonly version: string;
  readonly updatedAt: string;
  /** The last run of what it says now. */
  readonly lastRun: EvalSummary | null;
}

export interface EvalSummary {
  readonly id: string;
  readonly charterVersion: string;
  readonly startedAt: string;
  readonly by: string;
  readonly passed: number;
  readonly failed: number;
}

export interface EvalRun extends EvalSummary {
  readonly name: string;
  readonly version: string;
  readonly results: readonly {
    readonly name: string;
    readonly action: string;
    readonly ok: boolean;
    /** What is not as expected. */
    readonly problems: readonly string[];
    readonly outcome: string | null;
    /** The act, where the case was really run. */
    readonly actId: string | null;
  }[];
}

export interface EvalCoverage {
  readonly set: string;
  readonly covered: number;
  readonly total: number;
  /** covered / total; null where the set has no command type yet. */
  readonly ratio: number | null;
  readonly lastRun: string | null;
  readonly passed: boolean;
  readonly types: readonly {
    readonly commandType: string;
    readonly covered: boolean;
    /** Why it is not covered; null where it is. */
    readonly why: string | null;
  }[];
}

export interface Evals {
  /** YAML or JSON as text, or the same as an object. */
  add(
    written: string | JsonObject,
  ): Promise<{ readonly name: string; readonly version: string; readonly cases: number }>;
  list(): Promise<readonly EvalSet[]>;
  /** Runs every case; one that really runs something takes as long as that does. */
  run(name: string): Promise<EvalRun>;
  /** `set` may be left out where there is one governed set only. */
  coverage(set?: string): Promise<EvalCoverage>;
}

export function createEvals(transport: Transport): Evals {
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path: `/api/v1/evals${path}`, agent: null, isRepeatable: true });
  const post = (path: string, body?: JsonObject): Promise<unknown> =>
    transport.read({
      method: 'POST',
      path: `/api/v1/evals${path}`,
      ...(body === undefined ? {} : { body }),
      agent: null,
      isRepeatable: false,
    });
  return {
    async add(written) {
      const answer = fieldsOf(
        await post('', typeof written === 'string' ? { text: written } : { set: written }),
        'the answer',
      );
      return {
        name: textOf(answer['name'], 'name'),
        version: textOf(answer['version'], 'version'),
        cases: numberOf(answer['cases'], 'cases'),
      };
    },
    list: async () => listOf(fieldsOf(await get(''), 'the answer')['items'], readSet, 'items'),
    run: async (name) => readRun(await post(`/${encodeURIComponent(name)}/run`)),
    coverage: async (set) =>
      readCoverage(await get(`/coverage${set === undefined ? '' : `?set=${encodeURIComponent(set)}`}`)),
  };
}

function readSet(value: unknown, where: string): EvalSet {
  const of = fieldsOf(value, where);
  return {
    name: textOf(of['name'], `${where}.name`),
    version: textOf(of['version'], `${where}.version`),
    updatedAt: textOf(of['updatedAt'], `${where}.updatedAt`),
    lastRun: optional(of['lastRun'], readSummary, `${where}.lastRun`),
  };
}

function readSummary(value: unknown, where: string): EvalSummary {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    charterVersion: textOf(of['charterVersion'], `${where}.charterVersion`),
    startedAt: textOf(of['startedAt'], `${where}.startedAt`),
    by: textOf(of['by'], `${where}.by`),
    passed: numberOf(of['passed'], `${where}.passed`),
    failed: numberOf(of['failed'], `${where}.failed`),
  };
}

function readRun(value: unknown): EvalRun {
  const of = fieldsOf(value, 'the run');
  return {
    ...readSummary(value, 'the run'),
    name: textOf(of['name'], 'name'),
    version: textOf(of['version'], 'version'),
    results: listOf(
      of['results'],
      (item, where) => {
        const result = fieldsOf(item, where);
        return {
          name: textOf(result['name'], `${where}.name`),
          action: textOf(result['action'], `${where}.action`),
          ok: truthOf(result['ok'], `${where}.ok`),
          problems: listOf(result['problems'], textOf, `${where}.problems`),
          outcome: optional(result['outcome'], textOf, `${where}.outcome`),
          actId: optional(result['actId'], textOf, `${where}.actId`),
        };
      },
      'results',
    ),
  };
}

function readCoverage(value: unknown): EvalCoverage {
  const of = fieldsOf(value, 'the answer');
  return {
    set: textOf(of['set'], 'set'),
    covered: numberOf(of['covered'], 'covered'),
    total: numberOf(of['total'], 'total'),
    ratio: optional(of['ratio'], numberOf, 'ratio'),
    lastRun: optional(of['lastRun'], textOf, 'lastRun'),
    passed: truthOf(of['passed'], 'passed'),
    types: listOf(
      of['types'],
      (item, where) => {
        const type = fieldsOf(item, where);
        return {
          commandType: textOf(type['commandType'], `${where}.commandType`),
          covered: truthOf(type['covered'], `${where}.covered`),
          why: optional(type['why'], textOf, `${where}.why`),
        };
      },
      'types',
    ),
  };
}

// How the trust in an agent came about, and what other settings would have made of what happened.
import type { JsonObject } from '@mandate/kernel';
import { fieldsOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { Transport } from './transport.ts';

export interface TrustQuery {
  /** ISO times; the first page of everything without them. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface TrustEntry {
  readonly kind: 'moved' | 'frozen' | 'unfrozen';
  readonly at: string;
  /** The score before and after; null where it did not move. */
  readonly before: number | null;
  readonly after: number | null;
  readonly cause: string;
  readonly by: string;
  readonly actId: string | null;
  readonly action: string | null;
}

export interface TrustPage {
  readonly items: readonly TrustEntry[];
  readonly nextCursor: string | null;
}

export interface TrustStanding {
  readonly score: number;
  readonly level: string;
  readonly frozen: boolean;
  readonly freezes: number;
}

export interface TrustSimulation {
  readonly from: string;
  readonly to: string;
  /** How many outcomes were replayed. */
  readonly outcomes: number;
  /** Those that would differ come first. */
  readonly agents: readonly {
    readonly agent: string;
    readonly recorded: TrustStanding;
    readonly simulated: TrustStanding;
    readonly differs: readonly ('level' | 'freezes' | 'score')[];
  }[];
}

export interface SimulationOrder {
  /** Settings as a charter has them under `trust`; what is left out stays as it is. */
  readonly trust: JsonObject;
  /** How far back: `12h`, `7d`, `2w`; 30 days unless given. */
  readonly against?: string | undefined;
}

export interface Trust {
  history(agent: string, query?: TrustQuery): Promise<TrustPage>;
  simulate(order: SimulationOrder): Promise<TrustSimulation>;
}

export function createTrust(transport: Transport): Trust {
  return {
    async history(agent, query = {}) {
      const asked = Object.entries(query).flatMap(([key, value]) =>
        value === undefined ? [] : [`${key}=${encodeURIComponent(String(value))}`],
      );
      const path = `/api/v1/agents/${encodeURIComponent(agent)}/trust${asked.length === 0 ? '' : `?${asked.join('&')}`}`;
      return readPage(await transport.read({ method: 'GET', path, agent: null, isRepeatable: true }));
    },
    async simulate({ trust, against }) {
      const body: JsonObject = { trust, ...(against === undefined ? {} : { against }) };
      const path = '/api/v1/trust/simulate';
      return readSimulation(
        await transport.read({ method: 'POST', path, body, agent: null, isRepeatable: true }),
      );
    },
  };
}

function readPage(value: unknown): TrustPage {
  const page = fieldsOf(value, 'the answer');
  return {
    items: listOf(page['items'], readEntry, 'items'),
    nextCursor: optional(page['nextCursor'], textOf, 'nextCursor'),
  };
}

function readEntry(value: unknown, where: string): TrustEntry {
  const entry = fieldsOf(value, where);
  return {
    kind: wordOf(entry['kind'], ['moved', 'frozen', 'unfrozen'], `${where}.kind`),
    at: textOf(entry['at'], `${where}.at`),
    before: optional(entry['before'], numberOf, `${where}.before`),
    after: optional(entry['after'], numberOf, `${where}.after`),
    cause: textOf(entry['cause'], `${where}.cause`),
    by: textOf(entry['by'], `${where}.by`),
    actId: optional(entry['actId'], textOf, `${where}.actId`),
    action: optional(entry['action'], textOf, `${where}.action`),
  };
}

function readSimulation(value: unknown): TrustSimulation {
  const simulation = fieldsOf(value, 'the answer');
  return {
    from: textOf(simulation['from'], 'from'),
    to: textOf(simulation['to'], 'to'),
    outcomes: numberOf(simulation['outcomes'], 'outcomes'),
    agents: listOf(
      simulation['agents'],
      (item, where) => {
        const agent = fieldsOf(item, where);
        return {
          agent: textOf(agent['agent'], `${where}.agent`),
          recorded: readStanding(agent['recorded'], `${where}.recorded`),
          simulated: readStanding(agent['simulated'], `${where}.simulated`),
          differs: listOf(
            agent['differs'],
            (word, at) => wordOf(word, ['level', 'freezes', 'score'], at),
            `${where}.differs`,
          ),
        };
      },
      'agents',
    ),
  };
}

function readStanding(value: unknown, where: string): TrustStanding {
  const standing = fieldsOf(value, where);
  return {
    score: numberOf(standing['score'], `${where}.score`),
    level: textOf(standing['level'], `${where}.level`),
    frozen: truthOf(standing['frozen'], `${where}.frozen`),
    freezes: numberOf(standing['freezes'], `${where}.freezes`),
  };
}

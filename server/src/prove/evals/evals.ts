// Evals: what agents are expected to be allowed and to achieve, tried out against the server as it stands. Decisions are
// previewed, so nothing happens; what a case wants really run goes the one road like any action, and only where its
// executor is declared to change nothing outside.
import { canonicalJson, redactText } from '@mandate/kernel';
import type { JsonObject } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { measureCoverage } from './coverage.ts';
import type {
  EvalCase,
  EvalContent,
  EvalCoverage,
  EvalOutcome,
  EvalProblem,
  EvalResult,
  EvalRun,
  EvalRunSummary,
  EvalSet,
} from './eval.ts';
import {
  countOthers,
  insertRun,
  selectContent,
  selectLatestRuns,
  selectRuns,
  selectSets,
  selectTallies,
  upsertSet,
} from './store.ts';

export type Registered =
  | {
      readonly kind: 'registered';
      readonly name: string;
      readonly version: string;
      readonly cases: number;
      /** Whether it counted before this already. */
      readonly isNew: boolean;
    }
  | { readonly kind: 'refused'; readonly problems: readonly EvalProblem[] };

export type RunAnswer =
  | { readonly kind: 'ran'; readonly run: EvalRun }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A decision held against what a case expects. */
export interface JudgedCase {
  readonly problems: readonly string[];
  readonly decision: EvalResult['decision'];
  readonly charterVersion: string | null;
}

/** A governed set, as far as coverage is concerned. */
export interface CoveredSet {
  readonly commandTypes: readonly string[];
  readonly isGoverned: (action: string) => boolean;
}

export interface EvalsNeeds<Case extends EvalCase> {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly sha256: (text: string) => string;
  readonly read: (
    written: string,
  ) => EvalContent<Case> | { readonly kind: 'refused'; readonly problems: readonly EvalProblem[] };
  /** What would be decided now, held against the case. Nothing is recorded or begun. */
  readonly judge: (asker: Asker, written: Case) => Promise<JudgedCase>;
  /** Why this action must not be run by a case, as a sentence; null where its executor is declared for it. */
  readonly unsafe: (tenant: string, action: string) => Promise<string | null>;
  /** Asks for the action like any other, and waits for its end. */
  readonly request: (
    asker: Asker,
    written: Case,
  ) => Promise<{
    readonly outcome: EvalOutcome;
    readonly actId: string | null;
    readonly detail: string | null;
  }>;
  readonly charterVersion: (tenant: string) => Promise<string | null>;
  /** What the governed set may do; null where the charter has no such set. */
  readonly setOf: (tenant: string, set: string) => Promise<CoveredSet | null>;
  readonly writeEntry: WriteEntry;
}

export interface Evals {
  /** Makes an eval set (YAML or JSON) the one that counts under its name. */
  register(order: {
    readonly tenant: string;
    readonly text: string;
    readonly by: string;
    readonly traceId: string | null;
  }): Promise<Registered>;
  list(tenant: string): Promise<readonly (EvalSet & { readonly lastRun: EvalRunSummary | null })[]>;
  content(
    tenant: string,
    name: string,
  ): Promise<{ readonly version: string; readonly content: JsonObject } | null>;
  runs(tenant: string, name: string, limit: number): Promise<readonly EvalRun[]>;
  /** Runs every case, one after another, and keeps what came. `asker` is who really runs what is to be run. */
  run(asker: Asker, name: string): Promise<RunAnswer>;
  /** null where the charter has no such governed set. */
  coverageOf(tenant: string, set: string): Promise<EvalCoverage | null>;
}

/** Coverage reads the latest run of every one. */
const MOST_SETS = 200;

export function createEvals<Case extends EvalCase>(needs: EvalsNeeds<Case>): Evals {
  const { store, clock, chance } = needs;

  async function runCase(asker: Asker, written: Case): Promise<EvalResult> {
    const { name, action, expect } = written;
    const judged = await needs.judge(asker, written);
    const problems = [...judged.problems];
    const result = { name, action, decision: judged.decision, charterVersion: judged.charterVersion };
    const done = (outcome: EvalOutcome | null, actId: string | null = null): EvalResult => ({
      ...result,
      ok: problems.length === 0,
      // What an executor said may hold what nobody wrote into the case (I9).
      problems: problems.map(redactText),
      outcome,
      actId,
    });
    if (expect.outcome === undefined || judged.decision === null) return done(null);
    const came = await outcomeOf(asker, written, judged.decision.effect);
    if (came.kind === 'not_run') {
      problems.push(`outcome: expected ${expect.outcome}, but it was not run: ${came.why}`);
      return done(null);
    }
    if (came.outcome !== expect.outcome)
      problems.push(
        `outcome: expected ${expect.outcome}, is ${came.outcome}.${came.detail === null ? '' : ` ${came.detail}`}`,
      );
    return done(came.outcome, came.actId);
  }

  async function outcomeOf(
    asker: Asker,
    written: Case,
    effect: string,
  ): Promise<
    | {
        readonly kind: 'came';
        readonly outcome: EvalOutcome;
        readonly actId: string | null;
        readonly detail: string | null;
      }
    | { readonly kind: 'not_run'; readonly why: string }
  > {
    // What would wait or be refused needs no asking: an approval nobody wants would only be in people's way.
    if (effect === 'hold')
      return { kind: 'came', outcome: 'waiting_for_approval', actId: null, detail: null };
    if (effect === 'deny' || effect === 'throttle')
      return { kind: 'came', outcome: 'denied', actId: null, detail: null };
    if (effect !== 'execute')
      return { kind: 'not_run', why: 'The mode is DRY_RUN, in which nothing is executed.' };
    if (written.run !== true) return { kind: 'not_run', why: 'It would begin at once.' };
    const unsafe = await needs.unsafe(asker.tenant, written.action);
    if (unsafe !== null) return { kind: 'not_run', why: unsafe };
    return { kind: 'came', ...(await needs.request(asker, written)) };
  }

  return {
    async register({ tenant, text, by, traceId }) {
      const read = needs.read(text);
      if (read.kind === 'refused') return read;
      const { name, content, cases } = read;
      const version = needs.sha256(canonicalJson(content));
      const atMs = clock.nowMs();
      return store.withTenant(tenant, async (tx): Promise<Registered> => {
        if ((await countOthers(tx, tenant, name)) >= MOST_SETS)
          return {
            kind: 'refused',
            problems: [
              {
                line: 1,
                column: 1,
                pointer: 'name',
                message: `There are ${MOST_SETS} eval sets, and there is no room for more. Add the cases to one of them, or register this one under the name of one that nobody needs any more.`,
              },
            ],
          };
        const previous = await upsertSet(tx, { tenant, name, version, content, by, atMs });
        const isNew = previous !== version;
        if (isNew)
          await needs.writeEntry(tx, tenant, {
            kind: 'evals.registered',
            actor: by,
            atMs,
            traceId,
            data: { name, version, previous, cases: cases.length },
          });
        return { kind: 'registered', name, version, cases: cases.length, isNew };
      });
    },

    list: (tenant) =>
      store.withTenant(tenant, async (tx) => {
        const runs = await selectLatestRuns(tx, tenant);
        return (await selectSets(tx, tenant)).map((set) => ({
          ...set,
          lastRun: runs.find(({ name }) => name === set.name) ?? null,
        }));
      }),

    content: (tenant, name) => store.withTenant(tenant, (tx) => selectContent(tx, tenant, name)),

    runs: (tenant, name, limit) => store.withTenant(tenant, (tx) => selectRuns(tx, tenant, { name, limit })),

    async run(asker, name) {
      const { tenant, id: by, traceId } = asker;
      const found = await store.withTenant(tenant, (tx) => selectContent(tx, tenant, name));
      if (found === null) {
        const names = (await store.withTenant(tenant, (tx) => selectSets(tx, tenant))).map((set) => set.name);
        const known = names.length === 0 ? 'There is none yet' : `There are ${names.join(', ')}`;
        return refused(
          'not_found',
          `There is no eval set ${name}. ${known}; mandate eval add registers one.`,
        );
      }
      const read = needs.read(canonicalJson(found.content));
      if (read.kind === 'refused')
        return refused(
          'conflict',
          `The eval set ${name} was registered by another version of Mandate, and this one cannot read it: ${read.problems[0]?.message ?? ''} Register it again.`,
        );
      const charterVersion = await needs.charterVersion(tenant);
      if (charterVersion === null)
        return refused(
          'unavailable',
          'The active charter cannot be read, so nothing can be held against it.',
        );
      const startedMs = clock.nowMs();
      const results: EvalResult[] = [];
      for (const written of read.cases) results.push(await runCase(asker, written));
      const passed = results.filter(({ ok }) => ok).length;
      const run: EvalRun = {
        id: chance.uuid(),
        name,
        version: found.version,
        charterVersion,
        startedMs,
        endedMs: clock.nowMs(),
        by,
        passed,
        failed: results.length - passed,
        results,
      };
      await store.withTenant(tenant, async (tx) => {
        await insertRun(tx, tenant, { ...run, traceId });
        await needs.writeEntry(tx, tenant, {
          kind: 'evals.ran',
          actor: by,
          atMs: run.endedMs,
          traceId,
          data: { run: run.id, name, version: run.version, charterVersion, passed, failed: run.failed },
        });
      });
      return { kind: 'ran', run };
    },

    async coverageOf(tenant, set) {
      const covered = await needs.setOf(tenant, set);
      if (covered === null) return null;
      const [tallies, charterVersion] = await Promise.all([
        store.withTenant(tenant, (tx) => selectTallies(tx, tenant)),
        needs.charterVersion(tenant),
      ]);
      return measureCoverage({ ...covered, tallies, charterVersion, nowMs: clock.nowMs() });
    },
  };
}

function refused(code: Refusal['code'], detail: string): RunAnswer {
  return { kind: 'refused', refusal: { code, detail } };
}

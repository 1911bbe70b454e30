// Workflows: templates of steps, and runs of them. Each step is an action on the same road as any agent's, so it is
// decided, held, stopped and recorded like one; a run only says what comes next. Held for days, a run is a row and
// nothing else.
import type { Json, Plan, ScheduleSetting } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { Refused, RunAnswer } from './answers.ts';
import { createBeginStep } from './begin-step.ts';
import type { Carried } from './carried.ts';
import { createDispatch } from './dispatch.ts';
import { createOffers } from './offers.ts';
import type { Offers } from './offers.ts';
import { dryRun } from './dry-run.ts';
import type { DryStep } from './dry-run.ts';
import type { Machine } from './machine.ts';
import type { Road } from './road.ts';
import { createTicks } from './schedules.ts';
import { createSegments } from './segment.ts';
import type { SegmentNeeds } from './segment.ts';
import { createSettling } from './settling.ts';
import { createStarting } from './starting.ts';
import type { Idempotency, StartOrder } from './starting.ts';
import { createSteering } from './steering.ts';
import type { Steering } from './steering.ts';
import {
  allSteps,
  findRun,
  findTemplate,
  isHeldBack,
  listRuns,
  listTemplates,
  saveTemplate,
} from './store.ts';
import type { RunQuery, RunRow, StepRow, TemplateRow } from './store.ts';
import { readTemplate } from './template.ts';
import type { ReadYaml, TemplateError } from './template.ts';

export type TemplateAnswer =
  | { readonly kind: 'template'; readonly template: TemplateRow; readonly steps: number }
  | { readonly kind: 'mistakes'; readonly errors: readonly TemplateError[] };

export interface RunDetails {
  readonly run: RunRow;
  readonly steps: readonly StepRow[];
  readonly plan: Plan | null;
  readonly output: Json | null;
}

export interface Workflows extends Steering {
  saveTemplate(asker: Asker, text: string, options: { readonly checkOnly: boolean }): Promise<TemplateAnswer>;
  templates(tenant: string): Promise<readonly TemplateRow[]>;
  template(tenant: string, name: string): Promise<TemplateRow | null>;
  start(asker: Asker, order: StartOrder, idempotency: Idempotency): Promise<RunAnswer>;
  /** What would be decided for each step, as far as it can be said beforehand. Nothing is recorded. */
  dryRun(
    asker: Asker,
    order: StartOrder,
  ): Promise<{ readonly kind: 'dry_run'; readonly steps: readonly DryStep[] } | Refused>;
  list(tenant: string, query: RunQuery): Promise<readonly RunRow[]>;
  find(tenant: string, id: string): Promise<RunDetails | null>;
  /** Acts of the run, for its journal. */
  acts(tenant: string, id: string): Promise<readonly string[]>;
  /** Steps that agents do themselves. */
  readonly offers: Offers;
  /** Whether an approved act must not begin now, because its run has been paused or is ending. */
  isHeldBack(tenant: string, actId: string): Promise<boolean>;
  /** What decisions depend on has changed: what was held back is tried again. */
  changed(): void;
  begin(): void;
  close(): Promise<void>;
}

export interface WorkflowsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly road: Road;
  readonly machineOf: (carry: (tenant: string, run: string) => Promise<void>) => Machine;
  readonly readYaml: ReadYaml;
  readonly sha256: (text: string) => string;
  readonly seal: (tenant: string, value: unknown, place: string) => Promise<Uint8Array>;
  readonly unseal: (tenant: string, sealed: Uint8Array, place: string) => Promise<unknown>;
  readonly agentOf: (tenant: string, role: string) => Promise<string | null>;
  /** The section `schedules` of the charter in force. */
  readonly schedulesOf: (tenant: string) => Promise<readonly ScheduleSetting[]>;
  readonly writeEntry: WriteEntry;
  readonly isHeld: () => boolean;
  readonly failed: (error: unknown, what: string) => void;
}

const PLANS_KEPT = 64;

export function createWorkflows(needs: WorkflowsNeeds): Workflows {
  const { store, clock, road, seal, unseal } = needs;
  const closing = new AbortController();
  const plans = new Map<string, Plan>();

  async function planOf(tenant: string, version: string): Promise<Plan | null> {
    const key = `${tenant}/${version}`;
    const known = plans.get(key);
    if (known !== undefined) return known;
    const row = await findTemplate(store, tenant, { name: null, version });
    const read = row === null ? null : readTemplate(row.text, needs.readYaml, { isKept: true });
    if (read?.kind !== 'template') return null;
    const [oldest] = plans.size >= PLANS_KEPT ? plans.keys() : [];
    if (oldest !== undefined) plans.delete(oldest);
    plans.set(key, read.plan);
    return read.plan;
  }

  const opening: Pick<SegmentNeeds, 'planOf' | 'open' | 'openResult'> = {
    planOf,
    // What we sealed ourselves under an authenticated cipher has the shape that we gave it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    open: async (run) => (await unseal(run.tenant, run.sealed, `workflow:${run.id}`)) as Carried,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed as JSON by the act
    openResult: async (tenant, actId, sealed) => (await unseal(tenant, sealed, `result:${actId}`)) as Json,
  };
  const segments = createSegments({
    ...opening,
    store,
    clock,
    road,
    settling: createSettling({ db: store.app, clock }),
    beginStep: createBeginStep({ road, clock, agentOf: needs.agentOf }),
    sealOutput: (tenant, run, output) => seal(tenant, output, `workflow-output:${run}`),
    writeEntry: needs.writeEntry,
    isHeld: needs.isHeld,
    closing: closing.signal,
    failed: needs.failed,
  });
  const machine = needs.machineOf((tenant, run) => segments.carry(tenant, run));
  const kick = (): void => {
    dispatch.kick().catch((error: unknown) => {
      if (!closing.signal.aborted)
        needs.failed(error, 'a run could not be handed to a worker; it is in a moment');
    });
  };
  const starting = createStarting({ ...needs, planOf, kick });
  const ticks = createTicks({
    control: store.control,
    clock,
    schedulesOf: needs.schedulesOf,
    begin: (asker, schedule, tickMs) => starting.beginTick(asker, schedule, tickMs),
    failed: needs.failed,
  });
  const dispatch = createDispatch({
    machine,
    segments,
    clock,
    tick: () => ticks.look(),
    failed: needs.failed,
    closing: closing.signal,
  });

  async function details(tenant: string, id: string): Promise<RunDetails | null> {
    const run = await findRun(store, tenant, id);
    if (run === null) return null;
    const [steps, plan] = await Promise.all([allSteps(store, tenant, id), planOf(tenant, run.version)]);
    const output =
      run.sealed_output === null
        ? null
        : // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed as JSON by the run's end
          ((await unseal(tenant, run.sealed_output, `workflow-output:${id}`)) as Json);
    return { run, steps, plan, output };
  }

  const steering = createSteering({
    ...needs,
    ...opening,
    stirred(id) {
      segments.nudge(id);
      kick();
    },
  });

  return {
    ...steering,
    async saveTemplate(asker, text, { checkOnly }) {
      const read = readTemplate(text, needs.readYaml);
      if (read.kind === 'refused') return { kind: 'mistakes', errors: read.errors };
      const { name } = read.plan.template;
      const version = needs.sha256(read.canonical);
      const nowMs = clock.nowMs();
      const steps = read.plan.steps.length;
      if (!checkOnly) {
        await store.withTenant(asker.tenant, async (tx) => {
          await saveTemplate(tx, asker.tenant, { version, name, text, by: asker.id, nowMs });
          await needs.writeEntry(tx, asker.tenant, {
            kind: 'workflow.template_written',
            actId: null,
            actor: asker.id,
            atMs: nowMs,
            traceId: asker.traceId,
            data: { template: name, version, steps },
          });
        });
      }
      return {
        kind: 'template',
        template: { version, name, text, created_by: asker.id, created_at: nowMs, current_at: nowMs },
        steps,
      };
    },
    templates: (tenant) => listTemplates(store, tenant),
    template: (tenant, name) => {
      const [plain = '', version = null] = name.split('@');
      return findTemplate(store, tenant, { name: plain, version });
    },
    start: (asker, order, idempotency) => starting.started(asker, order, idempotency),
    async dryRun(asker, order) {
      const ready = await starting.prepared(asker, order);
      if (ready.kind === 'refused') return ready;
      const steps = await dryRun(
        { road, agentOf: needs.agentOf, nowMs: clock.nowMs() },
        { asker, order, ...ready },
      );
      return { kind: 'dry_run', steps };
    },
    list: (tenant, query) => listRuns(store, tenant, query),
    find: details,
    async acts(tenant, id) {
      const steps = await allSteps(store, tenant, id);
      return steps.flatMap(({ act_id }) => (act_id === null ? [] : [act_id]));
    },
    offers: createOffers({ ...opening, store, clock, road }),
    isHeldBack: (tenant, actId) => isHeldBack(store, tenant, actId),
    changed: () => dispatch.changed(),
    begin: () => dispatch.start(),
    async close() {
      closing.abort();
      await dispatch.close();
    },
  };
}

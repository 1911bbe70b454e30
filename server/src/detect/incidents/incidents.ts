// Incidents: what went wrong, as objects that are opened by breakers, objectives, people and machines, and closed by a
// person with a reason. Whatever counts them (readiness, breakers, reports) reads these rows and nothing else, so they
// name real acts, keep who said what, and are never deleted.
import { redactText } from '@mandate/kernel';
import type { JsonObject } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { isWorse, worseOf } from './incident.ts';
import type {
  Incident,
  IncidentCounts,
  IncidentDetails,
  IncidentSeverity,
  IncidentSource,
  IncidentStep,
} from './incident.ts';
import {
  countIncidents,
  insertIncident,
  insertStep,
  countOpenBy,
  lockIncident,
  selectActs,
  selectConcerning,
  selectIncident,
  selectIncidents,
  selectSteps,
  updateResolved,
  updateSeverity,
} from './store.ts';
import type { IncidentQuery, IncidentScope } from './store.ts';

export interface NewIncident {
  readonly tenant: string;
  /** The governed set; null where its acts say, or nobody knows. */
  readonly set: string | null;
  readonly severity: IncidentSeverity;
  readonly title: string;
  readonly cause: string;
  readonly source: IncidentSource;
  /** The acts involved; each must exist in the tenant. */
  readonly actIds: readonly string[];
  readonly by: string;
  readonly traceId: string | null;
}

export type IncidentAnswer =
  | { readonly kind: 'done'; readonly incident: IncidentDetails }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Somebody does something to an incident. */
export interface IncidentOrder {
  readonly tenant: string;
  readonly id: string;
  readonly by: string;
  readonly traceId: string | null;
}

export interface Incidents {
  /** In the caller's transaction; an act that the tenant does not have is the caller's mistake and throws. Wakes nobody. */
  openIn(tx: Tx, incident: NewIncident & { readonly atMs: number }): Promise<Incident>;
  /**
   * The same in a transaction of its own, for doors. `ownActs`: agents of which every act involved must be one that has
   * begun; whoever is narrowed like that has so many open at a time at most.
   */
  open(
    incident: NewIncident,
    narrowed?: { readonly ownActs: readonly string[] | 'any' },
  ): Promise<IncidentAnswer>;
  note(order: IncidentOrder & { readonly text: string }): Promise<IncidentAnswer>;
  /** Lowering takes `mayLower`; a resolved incident stays as it was. */
  changeSeverity(
    order: IncidentOrder & {
      readonly severity: IncidentSeverity;
      readonly reason: string;
      readonly mayLower: boolean;
    },
  ): Promise<IncidentAnswer>;
  resolve(order: IncidentOrder & { readonly reason: string }): Promise<IncidentAnswer>;
  find(tenant: string, id: string): Promise<IncidentDetails | null>;
  /** Newest first. */
  list(tenant: string, query: IncidentQuery): Promise<readonly Incident[]>;
  countIn(tenant: string, scope: IncidentScope): Promise<IncidentCounts>;
  /** What a report on a window has to show: all that is counted of it, what was resolved in it, and whatever is open. */
  concerning(tenant: string, scope: IncidentScope & { readonly limit: number }): Promise<readonly Incident[]>;
}

export interface IncidentsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
  /** The governed sets of the tenant by name. */
  readonly setsOf: (tenant: string) => Promise<readonly string[]>;
  /** Told after a critical incident is on record, so that breakers look at once. Answers at once. */
  readonly becameCritical: (incident: Incident) => void;
}

/** Each critical one has everything looked at; an agent that opens them without end says nothing more by it. */
const MOST_OPEN = 20;

export function createIncidents(needs: IncidentsNeeds): Incidents {
  const { store, clock, chance } = needs;

  async function openIn(
    tx: Tx,
    { atMs, ...wanted }: NewIncident & { readonly atMs: number },
  ): Promise<Incident> {
    const actIds = [...new Set(wanted.actIds.map((id) => id.toLowerCase()))];
    const acts = await selectActs(tx, wanted.tenant, actIds);
    const missing = actIds.filter((id) => !acts.some((act) => act.id === id));
    if (missing.length > 0)
      throw new Error(`an incident names acts that the tenant does not have: ${missing.join(', ')}`);
    const incident: Incident = {
      id: chance.uuid(),
      tenant: wanted.tenant,
      set: wanted.set,
      severity: wanted.severity,
      worstSeverity: wanted.severity,
      title: redactText(wanted.title),
      cause: redactText(wanted.cause),
      source: wanted.source,
      fromAutonomousActions: acts.some(({ autonomous }) => autonomous),
      acts: acts.map(({ begun: _begun, ...act }) => act),
      openedMs: atMs,
      openedBy: wanted.by,
      resolvedMs: null,
      resolvedBy: null,
      resolution: null,
      traceId: wanted.traceId,
    };
    await insertIncident(tx, incident);
    await write(tx, incident, {
      kind: 'opened',
      by: wanted.by,
      atMs,
      traceId: wanted.traceId,
      data: { cause: incident.cause, source: incident.source },
    });
    return incident;
  }

  async function write(
    tx: Tx,
    incident: Incident,
    said: {
      readonly kind: 'opened' | 'updated' | 'resolved';
      readonly by: string;
      readonly atMs: number;
      readonly traceId: string | null;
      readonly data: JsonObject;
    },
  ): Promise<void> {
    const [act, ...others] = incident.acts;
    // Which act it concerns is a column of the entry; several stand in the data.
    const single = others.length === 0 ? act : undefined;
    await needs.writeEntry(tx, incident.tenant, {
      kind: `incident.${said.kind}`,
      agent: single?.agent ?? null,
      actId: single?.id ?? null,
      actor: said.by,
      atMs: said.atMs,
      traceId: said.traceId,
      data: {
        incident: incident.id,
        severity: incident.severity,
        title: incident.title,
        set: incident.set,
        fromAutonomousActions: incident.fromAutonomousActions,
        acts: incident.acts.map(({ id }) => id),
        ...said.data,
      },
    });
  }

  /** Changes an incident that is still open, under its lock, and puts the change on its timeline. */
  async function change(
    { tenant, id, by, traceId }: IncidentOrder,
    make: (
      tx: Tx,
      incident: Incident,
      atMs: number,
    ) => Promise<
      | {
          readonly incident: Incident;
          readonly step: Omit<IncidentStep, 'atMs' | 'by'>;
          readonly data: JsonObject;
        }
      | Refusal
    >,
  ): Promise<IncidentAnswer> {
    return store.withTenant(tenant, async (tx): Promise<IncidentAnswer> => {
      const found = await lockIncident(tx, tenant, id);
      if (found === null) return refused('not_found', `There is no incident ${id}.`);
      if (found.resolvedMs !== null)
        return refused(
          'conflict',
          `Incident ${id} was resolved by ${found.resolvedBy ?? ''} and stands as it was resolved. Open a new one for what happened since.`,
        );
      const atMs = clock.nowMs();
      const made = await make(tx, found, atMs);
      if ('code' in made) return { kind: 'refused', refusal: made };
      const { incident, step, data } = made;
      await insertStep(tx, tenant, id, { ...step, atMs, by });
      const kind = step.kind === 'resolved' ? 'resolved' : 'updated';
      await write(tx, incident, { kind, by, atMs, traceId, data });
      return { kind: 'done', incident: { ...incident, timeline: await selectSteps(tx, tenant, id) } };
    });
  }

  const plain = { severityFrom: null, severityTo: null };

  return {
    openIn,

    async open(wanted, { ownActs } = { ownActs: 'any' }) {
      const sets = wanted.set === null ? [] : await needs.setsOf(wanted.tenant);
      if (wanted.set !== null && !sets.includes(wanted.set))
        return refused(
          'invalid',
          `There is no governed set ${wanted.set}. ${sets.length === 0 ? 'The charter has none; leave set out.' : `The charter has ${sets.join(', ')}.`}`,
        );
      const answer = await store.withTenant(wanted.tenant, async (tx): Promise<IncidentAnswer> => {
        const open = ownActs === 'any' ? 0 : await countOpenBy(tx, wanted.tenant, wanted.by);
        if (open >= MOST_OPEN)
          return refused(
            'conflict',
            `${wanted.by} has ${open} incidents open, and an agent has ${MOST_OPEN} at most. Somebody has to look at them: they are listed at GET /api/v1/incidents?status=open, and resolved by an operator.`,
          );
        const known = await selectActs(tx, wanted.tenant, wanted.actIds);
        const missing = wanted.actIds.find(
          (id) =>
            !known.some(
              (act) =>
                act.id === id.toLowerCase() &&
                (ownActs === 'any' || (act.begun && ownActs.includes(act.agent))),
            ),
        );
        if (missing !== undefined)
          return refused(
            'invalid',
            ownActs === 'any'
              ? `There is no act ${missing}. Name acts of this tenant by their ids.`
              : `There is no act ${missing} that this agent has begun. An agent reports on acts of its own.`,
          );
        const incident = await openIn(tx, { ...wanted, atMs: clock.nowMs() });
        return {
          kind: 'done',
          incident: { ...incident, timeline: await selectSteps(tx, wanted.tenant, incident.id) },
        };
      });
      if (answer.kind === 'done' && answer.incident.severity === 'critical')
        needs.becameCritical(answer.incident);
      return answer;
    },

    note: (order) =>
      change(order, (_tx, incident) =>
        Promise.resolve({
          incident,
          step: { kind: 'note', text: redactText(order.text), ...plain },
          data: { note: order.text },
        }),
      ),

    async changeSeverity(order) {
      const { severity, reason } = order;
      const answer = await change(order, async (tx, incident, atMs) => {
        if (incident.severity === severity)
          return { code: 'conflict', detail: `Incident ${incident.id} is ${severity} already.` };
        if (isWorse(incident.severity, severity) && !order.mayLower)
          return {
            code: 'forbidden',
            detail: `Calling an incident less severe takes the permission incidents.resolve; ${order.by} does not have it.`,
          };
        const worstSeverity = worseOf(incident.worstSeverity, severity);
        await updateSeverity(tx, incident, { severity, worstSeverity, atMs });
        return {
          incident: { ...incident, severity, worstSeverity },
          step: {
            kind: 'severity',
            text: redactText(reason),
            severityFrom: incident.severity,
            severityTo: severity,
          },
          data: { from: incident.severity, to: severity, reason },
        };
      });
      if (answer.kind === 'done' && severity === 'critical') needs.becameCritical(answer.incident);
      return answer;
    },

    resolve: (order) =>
      change(order, async (tx, incident, atMs) => {
        const reason = redactText(order.reason);
        await updateResolved(tx, incident, { by: order.by, reason, atMs });
        return {
          incident: { ...incident, resolvedMs: atMs, resolvedBy: order.by, resolution: reason },
          step: { kind: 'resolved', text: reason, ...plain },
          data: { reason },
        };
      }),

    find: (tenant, id) =>
      store.withTenant(tenant, async (tx) => {
        const incident = await selectIncident(tx, tenant, id);
        return incident === null ? null : { ...incident, timeline: await selectSteps(tx, tenant, id) };
      }),

    list: (tenant, query) => store.withTenant(tenant, (tx) => selectIncidents(tx, tenant, query)),

    countIn: (tenant, scope) => store.withTenant(tenant, (tx) => countIncidents(tx, tenant, scope)),

    concerning: (tenant, scope) => store.withTenant(tenant, (tx) => selectConcerning(tx, tenant, scope)),
  };
}

function refused(code: Refusal['code'], detail: string): IncidentAnswer {
  return { kind: 'refused', refusal: { code, detail } };
}

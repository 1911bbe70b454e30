// What went wrong, as objects: open an incident, say what is found out, say how it ended.
import type { JsonObject } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { Transport } from './transport.ts';

const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type IncidentSeverity = (typeof SEVERITIES)[number];

export interface IncidentOrder {
  /** What went wrong, in a line. */
  readonly title: string;
  readonly severity: IncidentSeverity;
  /** Why, as far as it is known. */
  readonly cause: string;
  /** The acts involved; an agent's key names acts of its own. */
  readonly actIds?: readonly string[] | undefined;
  /** The governed set that it concerns. */
  readonly set?: string | undefined;
}

export interface Incident {
  readonly id: string;
  readonly status: 'open' | 'resolved';
  readonly severity: IncidentSeverity;
  /** The worst that it ever was: it is counted by this one. */
  readonly worstSeverity: IncidentSeverity;
  readonly title: string;
  readonly cause: string;
  readonly set: string | null;
  readonly source: string;
  /** Whether an involved act ran without a person's approval. */
  readonly fromAutonomousActions: boolean;
  readonly acts: readonly { readonly id: string; readonly agent: string; readonly action: string }[];
  readonly openedAt: string;
  readonly openedBy: string;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
  readonly resolution: string | null;
}

export interface IncidentDetails extends Incident {
  /** Oldest first. */
  readonly timeline: readonly {
    readonly kind: string;
    readonly at: string;
    readonly by: string;
    readonly text: string;
  }[];
}

export interface IncidentQuery {
  readonly status?: 'open' | 'resolved' | undefined;
  readonly severity?: IncidentSeverity | undefined;
  readonly set?: string | undefined;
  readonly actId?: string | undefined;
  /** ISO times. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface IncidentPage {
  /** Newest first. */
  readonly items: readonly Incident[];
  readonly nextCursor: string | null;
}

export interface Incidents {
  open(order: IncidentOrder): Promise<IncidentDetails>;
  list(query?: IncidentQuery): Promise<IncidentPage>;
  find(id: string): Promise<IncidentDetails>;
  note(id: string, text: string): Promise<IncidentDetails>;
  changeSeverity(id: string, severity: IncidentSeverity, reason: string): Promise<IncidentDetails>;
  resolve(id: string, reason: string): Promise<IncidentDetails>;
}

export function createIncidents(transport: Transport): Incidents {
  const send = async (method: 'POST' | 'PATCH', path: string, body: JsonObject): Promise<IncidentDetails> =>
    readDetails(
      await transport.read({
        method,
        path: `/api/v1/incidents${path}`,
        body,
        agent: null,
        isRepeatable: false,
      }),
    );
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path: `/api/v1/incidents${path}`, agent: null, isRepeatable: true });
  const at = (id: string): string => `/${encodeURIComponent(id)}`;
  return {
    open: ({ actIds, set, ...order }) =>
      send('POST', '', {
        ...order,
        ...(actIds === undefined ? {} : { actIds }),
        ...(set === undefined ? {} : { set }),
      }),
    async list(query = {}) {
      const asked = Object.entries(query).flatMap(([key, value]) =>
        value === undefined ? [] : [`${key}=${encodeURIComponent(String(value))}`],
      );
      const page = fieldsOf(await get(asked.length === 0 ? '' : `?${asked.join('&')}`), 'the answer');
      return {
        items: listOf(page['items'], readIncident, 'items'),
        nextCursor: optional(page['nextCursor'], textOf, 'nextCursor'),
      };
    },
    find: async (id) => readDetails(await get(at(id))),
    note: (id, text) => send('POST', `${at(id)}/notes`, { text }),
    changeSeverity: (id, severity, reason) => send('PATCH', at(id), { severity, reason }),
    resolve: (id, reason) => send('POST', `${at(id)}/resolve`, { reason }),
  };
}

function readDetails(value: unknown): IncidentDetails {
  return {
    ...readIncident(value, 'the incident'),
    timeline: listOf(
      fieldsOf(value, 'the incident')['timeline'],
      (item, where) => {
        const step = fieldsOf(item, where);
        return {
          kind: textOf(step['kind'], `${where}.kind`),
          at: textOf(step['at'], `${where}.at`),
          by: textOf(step['by'], `${where}.by`),
          text: textOf(step['text'], `${where}.text`),
        };
      },
      'timeline',
    ),
  };
}

function readIncident(value: unknown, where: string): Incident {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    status: wordOf(of['status'], ['open', 'resolved'], `${where}.status`),
    severity: wordOf(of['severity'], SEVERITIES, `${where}.severity`),
    worstSeverity: wordOf(of['worstSeverity'], SEVERITIES, `${where}.worstSeverity`),
    title: textOf(of['title'], `${where}.title`),
    cause: textOf(of['cause'], `${where}.cause`),
    set: optional(of['set'], textOf, `${where}.set`),
    source: textOf(of['source'], `${where}.source`),
    fromAutonomousActions: truthOf(of['fromAutonomousActions'], `${where}.fromAutonomousActions`),
    acts: listOf(
      of['acts'],
      (item, place) => {
        const act = fieldsOf(item, place);
        return {
          id: idOf(act['id'], `${place}.id`),
          agent: textOf(act['agent'], `${place}.agent`),
          action: textOf(act['action'], `${place}.action`),
        };
      },
      `${where}.acts`,
    ),
    openedAt: textOf(of['openedAt'], `${where}.openedAt`),
    openedBy: textOf(of['openedBy'], `${where}.openedBy`),
    resolvedAt: optional(of['resolvedAt'], textOf, `${where}.resolvedAt`),
    resolvedBy: optional(of['resolvedBy'], textOf, `${where}.resolvedBy`),
    resolution: optional(of['resolution'], textOf, `${where}.resolution`),
  };
}

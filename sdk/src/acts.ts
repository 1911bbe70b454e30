// Acts on record, for people's programs: look for them, and say what became of one. `resolve` is how an act leaves
// `unknown` when nobody holds its permit any more.
import type { Json, JsonObject, Tier } from '@mandate/kernel';
import { ACT_STATUSES, readAct } from './act-view.ts';
import type { ActStatus, ActView } from './act-view.ts';
import { fieldsOf, idOf, listOf, optional, parsedJson, textOf, wordOf } from './guard.ts';
import { queryOf } from './query.ts';
import type { Transport } from './transport.ts';

export interface Act extends ActView {
  /** As they may be shown: secrets are blacked out. */
  readonly parameters: Json;
  readonly resource: Json;
  /** The act that an approver made of this one, with other parameters. */
  readonly replacedBy: string | null;
  /** The act that this one undoes. */
  readonly compensates: string | null;
  /** What undoes this act: with status `success` it has been rolled back. */
  readonly rollback: { readonly id: string; readonly status: ActStatus } | null;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export interface ActQuery {
  readonly agent?: string | undefined;
  readonly status?: ActStatus | undefined;
  readonly tier?: Tier | undefined;
  /** ISO times, of when it was asked for. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** At most 200; 50 by default. */
  readonly limit?: number | undefined;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface ActPage {
  /** Newest first. */
  readonly items: readonly Act[];
  readonly nextCursor: string | null;
}

export interface Resolution {
  readonly status: 'success' | 'failed';
  /** What was found out, and how; stands in the journal. */
  readonly reason: string;
  readonly result?: Json | undefined;
}

export interface ActReport {
  /** The token that the act was begun with. */
  readonly permit: string;
  readonly status: 'success' | 'failed';
  readonly result?: Json | undefined;
  /** Of a failure. */
  readonly error?: string | undefined;
  /** What it really cost, in US dollars. */
  readonly costUsd?: number | undefined;
  /** Whose key is used, where a program has several. */
  readonly agent?: string | undefined;
}

export interface Acts {
  list(query?: ActQuery): Promise<ActPage>;
  /** The act as it stands. With its agent's own key an approved act begins by being looked at: use `proceed` there. */
  find(id: string): Promise<Act>;
  /** Vouches for a success that an agent reported, so that it counts for trust. Never one's own. */
  confirm(id: string): Promise<Act>;
  /** Ends an act that waits or runs. */
  cancel(id: string, reason: string): Promise<Act>;
  /** Says how an act ended whose end is unknown, after looking. A failure counts for trust, a success does not. */
  resolve(id: string, resolution: Resolution): Promise<Act>;
  /** Reports what came of an act that was begun elsewhere; `run` and `proceed` do this by themselves. */
  report(id: string, report: ActReport): Promise<Act>;
}

export function createActs(transport: Transport): Acts {
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path: `/api/v1/actions${path}`, agent: null, isRepeatable: true });
  const post = async (
    id: string,
    verb: string,
    { body, agent = null }: { readonly body?: JsonObject; readonly agent?: string | null },
  ): Promise<Act> =>
    readRecorded(
      await transport.read({
        method: 'POST',
        path: `/api/v1/actions/${encodeURIComponent(id)}/${verb}`,
        ...(body === undefined ? {} : { body }),
        agent,
        isRepeatable: false,
      }),
      'the answer',
    );
  return {
    async list(query = {}) {
      const page = fieldsOf(await get(queryOf({ ...query })), 'the answer');
      return {
        items: listOf(page['items'], readRecorded, 'items'),
        nextCursor: optional(page['nextCursor'], textOf, 'nextCursor'),
      };
    },
    find: async (id) => readRecorded(await get(`/${encodeURIComponent(id)}`), 'the answer'),
    confirm: (id) => post(id, 'confirm', {}),
    cancel: (id, reason) => post(id, 'cancel', { body: { reason } }),
    resolve: (id, { status, reason, result }) =>
      post(id, 'resolve', { body: { status, reason, ...(result === undefined ? {} : { result }) } }),
    report: (id, { permit, status, result, error, costUsd, agent }) =>
      post(id, 'outcome', {
        body: {
          permit,
          status,
          ...(result === undefined ? {} : { result }),
          ...(error === undefined ? {} : { error }),
          ...(costUsd === undefined ? {} : { costUsd }),
        },
        agent: agent ?? null,
      }),
  };
}

function readRecorded(value: unknown, where: string): Act {
  const of = fieldsOf(value, where);
  return {
    ...readAct(value),
    parameters: parsedJson(of['parameters']),
    resource: parsedJson(of['resource']),
    replacedBy: optional(of['replacedBy'], idOf, `${where}.replacedBy`),
    compensates: optional(of['compensates'], idOf, `${where}.compensates`),
    rollback: optional(
      of['rollback'],
      (item, at) => {
        const undoing = fieldsOf(item, at);
        return {
          id: idOf(undoing['id'], `${at}.id`),
          status: wordOf(undoing['status'], ACT_STATUSES, `${at}.status`),
        };
      },
      `${where}.rollback`,
    ),
    createdAt: textOf(of['createdAt'], `${where}.createdAt`),
    startedAt: optional(of['startedAt'], textOf, `${where}.startedAt`),
    endedAt: optional(of['endedAt'], textOf, `${where}.endedAt`),
  };
}

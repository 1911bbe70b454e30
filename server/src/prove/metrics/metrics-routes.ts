// The HTTP resources of metrics: any window, the last week, the newest snapshot, and each command type by itself.
import type { GovernedSet } from '@mandate/kernel';
import { z } from 'zod';
import { iso } from '../../platform/clock/iso.ts';
import { limitField, momentField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import { alsoUnversioned } from '../../platform/http/unversioned.ts';
import { setField, whichSet } from '../../platform/http/which-set.ts';
import { CommandDbUnreadable } from './command-db-file.ts';
import type { CommandMetrics, SetWindow } from './command-metrics.ts';
import type { Snapshots } from './snapshots.ts';

export interface MetricsRoutesNeeds {
  readonly metrics: Pick<CommandMetrics, 'of' | 'byType'>;
  readonly snapshots: Pick<Snapshots, 'latest' | 'list'>;
  readonly setsOf: (tenant: string) => Promise<readonly GovernedSet[]>;
  readonly nowMs: () => number;
}

const DAY_MS = 86_400_000;
/** Another machine's clock may be this much ahead before its `now` counts as the future. */
const SKEW_MS = 60_000;
const HISTORY = 30;
const HISTORY_MAX = 400;

const shown =
  '{ period, commands, rates, incidents, safety }; sources where a command database is read as well';

/** A moment, or a date: the beginning of that UTC day. */
const windowField = z.union([momentField, z.iso.date().transform((date) => Date.parse(date))], {
  error: 'must be an ISO time such as 2026-11-20T12:00:00Z, between the years 1970 and 9999',
});
const windowQuery = z.strictObject({
  set: setField,
  start: windowField.optional(),
  end: windowField.optional(),
});
const setQuery = z.strictObject({ set: setField });
const historyQuery = z.strictObject({ set: setField, limit: limitField(HISTORY_MAX).optional() });

/** `/api/v1/metrics/…`, and the same without the version. */
export function metricsRoutes(needs: MetricsRoutesNeeds): readonly Route[] {
  return alsoUnversioned([
    current(needs),
    route({
      method: 'GET',
      path: '/api/v1/metrics/latest',
      summary: 'The newest snapshot that was kept; what is measured now where there is none yet',
      permission: 'governance.read',
      answer: shown,
      query: setQuery,
      handle: ({ principal, query }) =>
        ofSet(needs, principal.tenant, query.set, async (set) => {
          const kept = await needs.snapshots.latest(principal.tenant, set.set);
          return json(
            kept ?? (await needs.metrics.of(principal.tenant, { ...set, ...until(needs.nowMs(), DAY_MS) })),
          );
        }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/metrics/weekly',
      summary: 'The last seven days',
      permission: 'governance.read',
      answer: shown,
      query: setQuery,
      handle: ({ principal, query }) =>
        ofSet(needs, principal.tenant, query.set, async (set) =>
          json(await needs.metrics.of(principal.tenant, { ...set, ...until(needs.nowMs(), 7 * DAY_MS) })),
        ),
    }),
    commandTypes(needs),
    route({
      method: 'GET',
      path: '/api/v1/metrics/history',
      summary: 'The snapshots that were kept, newest first: one of each day, and one with each cycle',
      permission: 'governance.read',
      answer: '{ items }, each with takenAt, why (daily or cycle) and what metrics/current has',
      query: historyQuery,
      handle: ({ principal, query }) =>
        ofSet(needs, principal.tenant, query.set, async (set) =>
          json({ items: await needs.snapshots.list(principal.tenant, set.set, query.limit ?? HISTORY) }),
        ),
    }),
  ]);
}

function current(needs: MetricsRoutesNeeds): Route {
  return route({
    method: 'GET',
    path: '/api/v1/metrics/current',
    summary: 'What happened to commands between two moments, both included; the last 24 hours without them',
    permission: 'governance.read',
    answer: shown,
    query: windowQuery,
    handle: ({ principal, query }) =>
      ofSet(needs, principal.tenant, query.set, async (set) => {
        const window = windowOf(query, needs.nowMs());
        return 'startMs' in window
          ? json(await needs.metrics.of(principal.tenant, { ...set, ...window }))
          : window.refused;
      }),
  });
}

function commandTypes(needs: MetricsRoutesNeeds): Route {
  return route({
    method: 'GET',
    path: '/api/v1/metrics/command-types',
    summary:
      'The same for each command type that had anything in the window; the last seven days without one',
    permission: 'governance.read',
    answer:
      '{ period, commandTypes: [{ commandType, total, proposed, approved, rejected, succeeded, failed, rolledBack }] }',
    query: windowQuery,
    handle: ({ principal, query }) =>
      ofSet(needs, principal.tenant, query.set, async (set) => {
        const window = windowOf(query, needs.nowMs(), 7 * DAY_MS);
        if (!('startMs' in window)) return window.refused;
        const types = await needs.metrics.byType(principal.tenant, { ...set, ...window });
        return json({
          period: { start: iso(window.startMs), end: iso(window.endMs) },
          commandTypes: types,
        });
      }),
  });
}

interface Measured {
  readonly set: string | null;
  readonly patterns: readonly string[];
}

/** Where nothing is governed in phases, all actions are measured together. */
async function ofSet(
  { setsOf }: MetricsRoutesNeeds,
  tenant: string,
  wanted: string | undefined,
  answer: (set: Measured) => Promise<Reply>,
): Promise<Reply> {
  const which = whichSet(await setsOf(tenant), wanted);
  if (which.kind === 'refused')
    return problem(which.refusal, { errors: [{ pointer: '?/set', detail: which.refusal.detail }] });
  try {
    return await answer(
      which.kind === 'set'
        ? { set: which.set.name, patterns: which.set.patterns }
        : { set: null, patterns: ['*'] },
    );
  } catch (error) {
    if (!(error instanceof CommandDbUnreadable)) throw error;
    return problem({ code: 'command_db_unreadable', detail: error.message });
  }
}

type Times = Pick<SetWindow, 'startMs' | 'endMs'>;

function until(nowMs: number, spanMs: number): Times {
  return { startMs: nowMs - spanMs, endMs: nowMs };
}

function windowOf(
  { start, end }: { readonly start?: number | undefined; readonly end?: number | undefined },
  nowMs: number,
  spanMs = DAY_MS,
): Times | { readonly refused: Reply } {
  if (start !== undefined && start > nowMs + SKEW_MS)
    return refused('start', `lies in the future; it is ${iso(nowMs)}`);
  if (end !== undefined && end > nowMs + SKEW_MS)
    return refused('end', `lies in the future; it is ${iso(nowMs)}`);
  const endMs = end ?? Math.max(nowMs, start ?? 0);
  const startMs = start ?? Math.max(0, endMs - spanMs);
  if (startMs < endMs || (start === undefined && end === undefined)) return { startMs, endMs };
  return refused('end', `must be later than start (${iso(startMs)})`);
}

function refused(name: 'start' | 'end', detail: string): { readonly refused: Reply } {
  return {
    refused: problem(
      { code: 'invalid', detail: `?${name} ${detail}.` },
      { errors: [{ pointer: `?/${name}`, detail }] },
    ),
  };
}

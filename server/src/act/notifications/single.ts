// What is told by itself: something that waits for people, or one entry where everything is told at once. Made of the
// redacted journal and of what stands in the rows now.
import type { Tx } from '../../platform/postgres/store.ts';
import type { Meaning } from './meaning.ts';
import type { ApprovalContent, Content } from './message.ts';
import { reportOf } from './report.ts';
import { readOpenApproval } from './store.ts';
import type { OpenApproval } from './store.ts';
import { eventOf, lineOf, refusedLine, wordOf } from './told.ts';
import type { ToldAct, ToldEntry } from './told.ts';
import { wordsOf } from './words.ts';

/** What waits for people, unless it has been decided meanwhile. */
export async function approvalOf(
  tx: Tx,
  tenant: string,
  { entry, act }: { readonly entry: ToldEntry; readonly act: ToldAct | null },
): Promise<ApprovalContent | null> {
  const open = await readOpenApproval(tx, tenant, entry);
  return open === null ? null : approvalContent(entry, open, act);
}

function approvalContent(entry: ToldEntry, open: OpenApproval, act: ToldAct | null): ApprovalContent {
  const action = act?.action ?? open.action ?? wordOf(entry.data['action']);
  return {
    kind: 'approval',
    approvalId: open.id,
    actId: open.actId,
    agent: act?.agent ?? open.agent ?? entry.agent,
    action,
    words:
      act === null
        ? (open.title ?? action)
        : wordsOf({ action, parameters: act.parameters, resource: act.resource, outcome: 'waiting' }),
    reasons: act?.reasons ?? [],
    parameters: act?.parameters ?? {},
    ...(act === null ? { requester: open.requester, subject: open.subject, display: open.display } : {}),
    requiredRoles: open.requiredRoles,
    quorum: open.quorum,
    expiresMs: open.expiresMs,
    atMs: entry.atMs,
    traceId: entry.traceId ?? act?.traceId ?? null,
    escalated: entry.kind === 'approval.escalated',
  };
}

/** One entry as a message of its own; null where it says nothing by itself. */
export function singleOf(
  entry: ToldEntry,
  act: ToldAct | null,
  entries: readonly ToldEntry[],
  meaning: Meaning,
): Content | null {
  const report = reportOf(entry);
  if (report !== null) return report;
  const event = eventOf(entry);
  if (event !== null) return { kind: 'event', event };
  if (!meaning.single || meaning.urgent === 'approval') return null;
  if (entry.kind === 'action.refused')
    return {
      kind: 'act',
      agent: entry.agent ?? (wordOf(entry.data['agent']) || 'somebody'),
      line: refusedLine(entry),
      trust: null,
    };
  if (act === null) return null;
  const moved = entries.find((it) => it.kind === 'trust.moved' && it.actId === act.id);
  const before = moved?.data['before'];
  const after = moved?.data['after'];
  const trust =
    typeof before === 'number' && typeof after === 'number'
      ? { before, after, causes: [{ cause: wordOf(moved?.data['cause']), times: 1 }] }
      : null;
  return { kind: 'act', agent: act.agent, line: lineOf(act, entry.atMs), trust };
}

// What a journal entry means to people: whether it is urgent, whether a digest should tell of it, whether it stands by
// itself where everything is told at once. Kinds that nobody listed here are for the audit, not for people.
import type { JsonObject, Resource, Tier } from '@mandate/kernel';
import { breakerMeaning, breakerText } from './breaker-words.ts';
import { plain } from './document.ts';
import { incidentMore, incidentText } from './incident-words.ts';
import type { Meaning } from './meaning.ts';
import type { ActLine, EventLine, Outcome } from './message.ts';
import { wordsOf } from './words.ts';

/** A journal entry, as far as people are told of it. */
export interface ToldEntry {
  readonly position: number;
  readonly kind: string;
  readonly agent: string | null;
  readonly actId: string | null;
  readonly actor: string;
  readonly atMs: number;
  readonly traceId: string | null;
  readonly data: JsonObject;
}

/** An act as it stands now; the journal says when something happened to it, the row what it is. */
export interface ToldAct {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly tier: Tier;
  readonly status: string;
  readonly error: string | null;
  /** What it cost, once it has ended; what was reserved where nobody said. */
  readonly costMicroUsd: number;
  /** Redacted. */
  readonly parameters: JsonObject;
  readonly resource: Resource | null;
  readonly traceId: string | null;
  readonly approvalId: string | null;
  readonly reasons: readonly string[];
}

const ENDS: ReadonlySet<string> = new Set([
  'action.succeeded',
  'action.failed',
  'action.unknown',
  'action.cancelled',
  'action.expired',
]);
const EVENTS: ReadonlySet<string> = new Set([
  'agent.unfrozen',
  'stop.resumed',
  'flag.changed',
  'charter.activated',
  'key.created',
  'key.revoked',
]);

/** null: not for people. */
export function meaningOf({ kind, data }: ToldEntry, act: ToldAct | null): Meaning | null {
  const tier = tierOf(data) ?? act?.tier ?? null;
  switch (kind) {
    case 'action.started':
    case 'action.permitted':
      return { tier: tier ?? 'yellow', urgent: null, opens: true, single: false };
    case 'action.succeeded':
      return { tier: tier ?? 'yellow', urgent: null, opens: true, single: true };
    case 'action.recorded':
      return { tier: tier ?? 'yellow', urgent: null, opens: true, single: true };
    case 'action.failed':
    case 'action.unknown':
    case 'action.cancelled':
    case 'action.expired':
    case 'action.denied':
    case 'approval.expired':
      // A green act that fails is no routine.
      return {
        tier: tier === null || tier === 'green' ? 'yellow' : tier,
        urgent: null,
        opens: true,
        single: true,
      };
    case 'action.refused':
      return { tier: 'yellow', urgent: null, opens: true, single: true };
    case 'action.held':
    case 'approval.opened':
    case 'approval.escalated':
      return { tier: tier ?? 'red', urgent: 'approval', opens: true, single: true };
    case 'stop.requested':
      return { tier: 'yellow', urgent: 'stop', opens: true, single: true };
    case 'agent.frozen':
      return { tier: 'yellow', urgent: 'freeze', opens: true, single: true };
    case 'governance.cycle_completed':
      return { tier: 'yellow', urgent: 'report', opens: true, single: true };
    case 'trust.moved':
    case 'action.confirmed':
    case 'notification.dead':
      return { tier: 'yellow', urgent: null, opens: false, single: false };
    default:
      if (kind.startsWith('incident.'))
        return {
          tier: 'yellow',
          urgent: kind === 'incident.resolved' ? null : 'incident',
          opens: true,
          single: true,
        };
      return EVENTS.has(kind)
        ? { tier: 'yellow', urgent: null, opens: true, single: true }
        : breakerMeaning(kind, data);
  }
}

/** Whether the act is over with this entry, so that its costs are told now and once. */
export function isEnd({ kind }: ToldEntry): boolean {
  return ENDS.has(kind);
}

/** What happened besides acts, as a line; null for what is about an act. */
export function eventOf(entry: ToldEntry): EventLine | null {
  const text = eventText(entry);
  const { atMs, kind, agent, actId, traceId, data } = entry;
  const more = incidentMore(kind, data, (name) => wordOf(data[name]));
  return text === null
    ? null
    : { atMs, kind, agent, text: plain(text), traceId, ...(actId === null ? {} : { actId }), ...more };
}

function eventText({ kind, agent, actor, data }: ToldEntry): string | null {
  const say = (name: string): string => wordOf(data[name]);
  const because = say('reason') === '' ? '' : `: ${say('reason')}`;
  const who = say('agent') || (agent ?? 'an agent');
  switch (kind) {
    case 'agent.frozen':
      return `${who} was frozen: ${say('cause')}`;
    case 'agent.unfrozen':
      return `${who} was let go by ${actor}${because}`;
    case 'stop.requested':
      return `${actor} stopped ${scopeText(say('scope'))}${because}`;
    case 'stop.resumed':
      return `${actor} resumed ${scopeText(say('scope'))}${because}`;
    case 'flag.changed':
      return `${actor} set the flag ${say('key')} to ${say('to')}${because}`;
    case 'charter.activated':
      return `${actor} put the charter ${say('version').slice(0, 12)} into force`;
    case 'key.created':
      return `${actor} made the key ${say('key')}`;
    case 'key.revoked':
      return `${actor} revoked the key ${say('key')}`;
    case 'notification.dead':
      return `A message could not be delivered over ${say('channel')}: ${say('error')}`;
    case 'governance.cycle_completed':
      return `Governance report ${say('week')} of ${say('set')}: ${say('summary')}`;
    case 'action.refused':
      return null;
    default:
      return incidentText(kind, actor, say) ?? breakerText(kind, actor, say);
  }
}

function scopeText(scope: string): string {
  return scope === 'tenant' || scope === 'global' || scope === '' ? 'everything' : scope;
}

/** The line of an act. `why` where the entry itself says more than the act's row. */
export function lineOf(act: ToldAct, atMs: number): ActLine {
  const outcome = outcomeOf(act.status);
  return {
    actId: act.id,
    atMs,
    action: act.action,
    words: wordsOf({ action: act.action, parameters: act.parameters, resource: act.resource, outcome }),
    tier: act.tier,
    outcome,
    why: whyOf(act, outcome),
    costMicroUsd: act.costMicroUsd,
    traceId: act.traceId,
    approvalId: outcome === 'waiting' ? act.approvalId : null,
    times: 1,
  };
}

/** What was refused before it became an act. */
export function refusedLine({ data, atMs, traceId }: ToldEntry): ActLine {
  const action = wordOf(data['action']);
  return {
    actId: null,
    atMs,
    action,
    words: action,
    tier: null,
    outcome: 'denied',
    why: wordOf(data['detail']) || wordOf(data['code']) || null,
    costMicroUsd: 0,
    traceId,
    approvalId: null,
    times: 1,
  };
}

function outcomeOf(status: string): Outcome {
  switch (status) {
    case 'waiting_for_approval':
      return 'waiting';
    case 'executing':
    case 'permitted':
      return 'running';
    case 'success':
    case 'failed':
    case 'denied':
    case 'cancelled':
    case 'expired':
    case 'recorded':
      return status;
    default:
      return 'unknown';
  }
}

function whyOf({ error, reasons }: ToldAct, outcome: Outcome): string | null {
  if (error !== null) return plain(error);
  return outcome === 'waiting' || outcome === 'denied' ? (reasons[0] ?? null) : null;
}

function tierOf(data: JsonObject): Tier | null {
  const tier = data['tier'];
  return tier === 'green' || tier === 'yellow' || tier === 'red' || tier === 'black' ? tier : null;
}

export function wordOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

// What people read of an approval, in the same words on the page and in every channel.
import type { Approval } from './approval.ts';

/** Why something waits, in a sentence: causes are stable words for machines. */
export function causeInWords(cause: string): string {
  const at = cause.indexOf(':');
  const [kind, what] = at < 0 ? [cause, ''] : [cause.slice(0, at), cause.slice(at + 1)];
  switch (kind) {
    case 'rule':
      return what === 'none' ? 'No rule of the charter covers it.' : `The rule ${what} asks for approval.`;
    case 'exception':
      return `An exception of the rule ${what} applies.`;
    case 'error':
      return `The rule ${what} could not be evaluated, so people decide.`;
    case 'trust':
      return 'The agent is on probation.';
    case 'finding':
      return `The guardrail ${what} found something.`;
    case 'warning':
      return `The guardrail ${what} warns, and so do others.`;
    case 'restriction':
      return `A restriction (${what}) stands.`;
    case 'mode':
      return `The mode is ${what}: everything waits for approval.`;
    case 'flow':
      return `The flow rule ${what} applies: what it follows makes it sensitive.`;
    case 'stop':
      return 'Two persons have to agree before this stop is lifted.';
    case 'charter':
      return `The charter asks for it (${what}).`;
    case 'phase':
      return 'A governed set rises to a higher phase only when people agree.';
    case 'tool':
      return 'The description of a tool has changed since somebody accepted it.';
    default:
      return cause;
  }
}

/** Who has to say yes: `tech-lead and ops-lead, 2 people in all`. */
export function needsInWords({
  requiredRoles,
  voterRoles,
  quorum,
}: Pick<Approval, 'requiredRoles' | 'voterRoles' | 'quorum'>): string {
  const anyone = voterRoles.length > 0 ? voterRoles.join(' or ') : 'any approver';
  const roles = requiredRoles.length > 0 ? requiredRoles.join(' and ') : anyone;
  return quorum > 1 ? `${roles}, ${quorum} people in all` : roles;
}

/** `in 3 hours`, `12 minutes ago`. */
export function relativeTime(atMs: number, nowMs: number): string {
  const seconds = Math.round(Math.abs(atMs - nowMs) / 1_000);
  const [count, unit] =
    seconds < 90
      ? [seconds, 'second']
      : seconds < 5_400
        ? [Math.round(seconds / 60), 'minute']
        : seconds < 129_600
          ? [Math.round(seconds / 3_600), 'hour']
          : [Math.round(seconds / 86_400), 'day'];
  const text = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return atMs > nowMs ? `in ${text}` : `${text} ago`;
}

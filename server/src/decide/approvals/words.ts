// What people read of an approval, in the same words on the page and in every channel.
import type { Approval } from './approval.ts';

/** Why something waits, a sentence each: causes are stable words for machines. Of one guardrail only the gravest is said. */
export function causesInWords(
  causes: readonly string[],
  standing: readonly Standing[] = [],
): readonly string[] {
  const isSaid = (cause: string): boolean => {
    const [kind, what] = partsOf(cause);
    const graver = GRAVER[kind] ?? [];
    return !graver.some((other) => causes.includes(`${other}:${what}`));
  };
  return causes.filter(isSaid).map((cause) => causeInWords(cause, standing));
}

/** A restriction that stood when it was decided, by its id. */
interface Standing {
  readonly id: string;
  readonly kind: string;
  readonly cause: string;
}

const RESTRICTIONS: Readonly<Record<string, string>> = {
  stop: 'A stop is in force',
  freeze: 'The agent is frozen',
  flag: 'A flag keeps it from running by itself',
  mode: 'The mode has everything wait for approval',
  pause: 'A circuit breaker holds this type of command',
  phase: 'The phase that this is in leaves it to people',
  throttle: 'An objective is being missed, so it is held back',
};

/** An id says nothing to people: what it is and why it stands, where that is known. */
function restrictionInWords(id: string, standing: readonly Standing[]): string {
  const found = standing.find((each) => each.id === id);
  if (found === undefined)
    return 'A restriction stands: mandate status and GET /api/v1/restrictions say which, and why.';
  const what = RESTRICTIONS[found.kind] ?? `A restriction (${found.kind}) stands`;
  return found.cause === '' ? `${what}.` : `${what}: ${found.cause}`;
}

/** A graver finding has the causes of a milder one as well. */
const GRAVER: Readonly<Record<string, readonly string[]>> = {
  finding: ['critical'],
  warning: ['critical', 'finding'],
};

function partsOf(cause: string): readonly [kind: string, what: string] {
  const at = cause.indexOf(':');
  return at < 0 ? [cause, ''] : [cause.slice(0, at), cause.slice(at + 1)];
}

function causeInWords(cause: string, standing: readonly Standing[]): string {
  const [kind, what] = partsOf(cause);
  switch (kind) {
    case 'rule':
      return what === 'none' ? 'No rule of the charter covers it.' : `The rule ${what} asks for approval.`;
    case 'exception':
      return `An exception of the rule ${ruleWith(what)} applies.`;
    case 'error':
      return what === 'name'
        ? 'The name of the action is one that no rule could spell.'
        : `The rule ${ruleWith(what)} could not be evaluated, so people decide.`;
    case 'trust':
      return 'The agent is on probation.';
    case 'finding':
      return `The guardrail ${what} found something.`;
    case 'critical':
      return `The guardrail ${what} found something critical.`;
    case 'warning':
      return `The guardrail ${what} warns, and so do others.`;
    case 'restriction':
      return restrictionInWords(what, standing);
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

/** `deploy.* (context.env == 'prod')`: the pattern, and the condition or glob of the charter that it is about. */
function ruleWith(what: string): string {
  const at = what.indexOf(': ');
  return at < 0 ? what : `${what.slice(0, at)} (${what.slice(at + 2)})`;
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

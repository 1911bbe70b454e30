// What a breaker that trips means to people: they are told at once, and once. Where it has opened an incident, the incident
// is what they are told of; the breaker stands in the next digest.
import type { JsonObject } from '@mandate/kernel';
import type { Meaning } from './meaning.ts';

/** null for what is about no breaker, and for rules that were changed, which is for the audit. */
export function breakerMeaning(kind: string, data: JsonObject): Meaning | null {
  if (kind === 'breaker.triggered') {
    const isTold = typeof data['incident'] === 'string';
    return { tier: 'yellow', urgent: isTold ? null : 'incident', opens: true, single: !isTold };
  }
  return kind === 'breaker.resolved' ? { tier: 'yellow', urgent: null, opens: true, single: true } : null;
}

/** null where it is about no breaker. `say` reads a field as a word. */
export function breakerText(kind: string, actor: string, say: (name: string) => string): string | null {
  switch (kind) {
    case 'breaker.triggered': {
      const done = EFFECT[say('action')];
      return `Breaker ${say('detail') || say('rule')}${done === undefined ? '' : `; ${done(say)}`}`;
    }
    case 'breaker.resolved':
      return `${actor} resolved the breaker event ${say('rule')}: ${say('reason')}`;
    default:
      return null;
  }
}

const EFFECT: Readonly<Record<string, (say: (name: string) => string) => string>> = {
  revert_to_l3: (say) => `${say('set')} falls to its first phase`,
  pause_command_type: (say) => `${say('commandType')} waits for people until it is resolved`,
  throttle: () => 'its actions wait for people while the budget burns',
};

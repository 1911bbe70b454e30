// One policy that every engine can say in its own words: each action is named by exactly one rule, which allows it or
// forbids it, some of them only under a condition. No two rules overlap, because engines settle overlaps differently and
// a comparison must not depend on it; what no rule names is refused.

export interface PolicyRule {
  /** A name, or a prefix with `.*`. */
  readonly match: string;
  readonly isAllowed: boolean;
  /** The rule holds only in this environment; null always. */
  readonly environment: string | null;
}

export interface Question {
  readonly action: string;
  readonly environment: string;
}

const EVERY_PREFIX = 10;
const EVERY_CONDITION = 4;
const EVERY_FORBIDDEN = 3;

/** Of every ten rules one is a prefix; every fourth rule has a condition, every third one forbids. */
export function policyOf(size: number): readonly PolicyRule[] {
  return Array.from({ length: size }, (_, i) => ({
    match: i % EVERY_PREFIX === 0 ? `team${i}.*` : `area${i % 97}.task${i}`,
    isAllowed: i % EVERY_FORBIDDEN !== 0,
    environment: i % EVERY_CONDITION === 0 ? 'ci' : null,
  }));
}

/** 64 questions spread over the whole policy, one in eight of them about an action that no rule names. */
export function questionsOf(policy: readonly PolicyRule[]): readonly Question[] {
  return Array.from({ length: 64 }, (_, i) => {
    const rule = policy[Math.floor((i * policy.length) / 64)];
    const environment = i % 2 === 0 ? 'ci' : 'production';
    const action = i % 8 === 7 || rule === undefined ? `unknown.task${i}` : rule.match.replace('*', 'step');
    return { action, environment };
  });
}

/** What every engine must answer, worked out the slow way. */
export function expected(policy: readonly PolicyRule[], { action, environment }: Question): boolean {
  const rule = policy.find(({ match }) =>
    match.endsWith('*') ? action.startsWith(match.slice(0, -1)) : match === action,
  );
  if (rule === undefined) return false;
  return (rule.environment === null || rule.environment === environment) && rule.isAllowed;
}

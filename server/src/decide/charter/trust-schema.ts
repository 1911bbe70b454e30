// The written shape of `trust`: in a charter, and by itself where settings are tried out on what happened.
import { z } from 'zod';
import type { TrustSettings } from '@mandate/kernel';
import { overlay } from './overlay.ts';

const points = z.number().min(0).max(100);
const count = z.number().int().min(1).max(1_000_000);

const bySeverity = z.strictObject({
  low: points.optional(),
  medium: points.optional(),
  high: points.optional(),
  critical: points.optional(),
});

export const trustSection = z.strictObject({
  start: points.optional(),
  levels: z
    .strictObject({
      standard: points.optional(),
      trusted: points.optional(),
      autonomous: points.optional(),
    })
    .optional(),
  success: bySeverity.optional(),
  failure: bySeverity.optional().describe('Points lost, written as positive numbers.'),
  streakBonus: points.optional(),
  streakBonusMax: points.optional(),
  gainPerDay: points.optional(),
  freezeAfterFailures: count.optional(),
  driftPerDay: points.optional(),
});

export type WrittenTrust = z.infer<typeof trustSection>;

/** Settings as written over others: what is left out stays as it is. */
export function trustSettingsOf(written: WrittenTrust, over: TrustSettings): TrustSettings {
  const { levels, success, failure, ...figures } = written;
  return {
    ...overlay(over, figures),
    levels: overlay(over.levels, levels),
    success: overlay(over.success, success),
    failure: overlay(over.failure, failure),
  };
}

/** What only the whole can show; null when it is sound. */
export function trustProblem({ levels }: TrustSettings): string | null {
  if (levels.standard < levels.trusted && levels.trusted < levels.autonomous) return null;
  return `The levels must ascend: standard ${levels.standard}, trusted ${levels.trusted}, autonomous ${levels.autonomous}. Correct their order.`;
}

/** Reads settings that stand by themselves, under the key `trust` or without it. */
export function readTrustSettings(
  written: unknown,
  over: TrustSettings,
):
  | { readonly kind: 'settings'; readonly settings: TrustSettings }
  | {
      readonly kind: 'refused';
      readonly problems: readonly { readonly pointer: string; readonly detail: string }[];
    } {
  const whole = typeof written === 'object' && written !== null ? written : {};
  const isSection = Object.hasOwn(whole, 'trust');
  const root = isSection ? '/trust' : '';
  const parsed = trustSection.safeParse(isSection ? Reflect.get(whole, 'trust') : written);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => ({
      pointer: [root, ...path.map(String)].join('/'),
      detail: message,
    }));
    return { kind: 'refused', problems };
  }
  const settings = trustSettingsOf(parsed.data, over);
  const problem = trustProblem(settings);
  return problem === null
    ? { kind: 'settings', settings }
    : { kind: 'refused', problems: [{ pointer: `${root}/levels`, detail: problem }] };
}

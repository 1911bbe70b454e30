// Which past a question is about: `7d` back from now, or from one moment to another.
import { z } from 'zod';
import { inOrder, momentField } from '../../platform/http/fields.ts';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const DURATION = /^([1-9]\d{0,5})(s|m|h|d|w)$/;

/** How far back it goes where nobody says. */
const DEFAULT_AGAINST = '7d';

/** The fields of a body that say which recorded actions are meant. */
export const rangeFields = {
  against: z.string().regex(DURATION, 'must be a number and a unit: 30m, 12h, 7d or 2w').optional(),
  from: momentField.optional(),
  to: momentField.optional(),
};

export interface AskedRange {
  readonly against?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

export interface Range {
  /** Epoch ms, included. */
  readonly fromMs: number;
  /** Epoch ms, not included. */
  readonly toMs: number;
}

/** A shape with these fields: one time, said in one way. */
export function oneRange<S extends z.ZodType<AskedRange>>(shape: S): S {
  return inOrder(shape).refine(({ against, from }) => against === undefined || from === undefined, {
    path: ['against'],
    error: 'stands beside from; name one of them, because they are two beginnings',
  });
}

/** `from` goes before `against`. What would end before it begins is empty. */
export function rangeOf({ against = DEFAULT_AGAINST, from, to }: AskedRange, nowMs: number): Range {
  // A moment later than now, so that what was recorded in this very millisecond is in it.
  const toMs = to ?? nowMs + 1;
  return { fromMs: from ?? Math.max(0, toMs - durationMs(against)), toMs };
}

function durationMs(text: string): number {
  const [, count = '', unit = ''] = DURATION.exec(text) ?? [];
  const known = Object.entries(UNITS).find(([name]) => name === unit);
  if (known === undefined) throw new Error(`${JSON.stringify(text)} is no duration.`);
  return Number(count) * known[1];
}

// What became of a try, and what follows from it. What a function of a program answers is believed no further than its
// shape: an answer that cannot be written down would have its message sent again for ever.
import { redactText } from '@mandate/kernel';
import type { Settlement } from './delivery-store.ts';
import { plain } from './document.ts';
import type { ChannelAnswer } from './message.ts';

const ERROR_MAX = 500;
/** Nobody has us wait for longer than this. */
const RETRY_AFTER_MAX_MS = 3_600_000;
const NO_REASON = 'It was not said why.';

/** Whatever a channel has answered, as an answer. Returning nothing means that the message was taken. */
export function readAnswer(value: unknown): ChannelAnswer {
  if (typeof value !== 'object' || value === null) return { kind: 'accepted', reference: null };
  const at = (key: string): unknown => Reflect.get(value, key);
  const kind = at('kind');
  switch (kind) {
    case 'accepted': {
      const reference = at('reference');
      return { kind, reference: typeof reference === 'string' ? tidy(reference) : null };
    }
    case 'refused': {
      const retryAfterMs = at('retryAfterMs');
      return {
        kind,
        error: textOf(at('error')),
        permanent: at('permanent') === true,
        retryAfterMs: typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs : null,
      };
    }
    case 'unknown':
      return { kind, error: textOf(at('error')) };
    default:
      return unknown('The function answered something that is neither accepted, refused nor unknown.');
  }
}

/** `delayMs` is how long the next try waits at least. */
export function settlementOf(
  answer: ChannelAnswer,
  { isLast, nowMs, delayMs }: { readonly isLast: boolean; readonly nowMs: number; readonly delayMs: number },
): Settlement {
  switch (answer.kind) {
    case 'accepted':
      return { kind: 'sent', reference: answer.reference };
    case 'refused': {
      const { error, permanent, retryAfterMs } = answer;
      if (permanent || isLast) return { kind: 'dead', error, inDoubt: false };
      const waitMs = Math.max(delayMs, Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS));
      return { kind: 'again', error, inDoubt: false, nextMs: nowMs + waitMs };
    }
    case 'unknown':
      return isLast
        ? { kind: 'dead', error: answer.error, inDoubt: true }
        : { kind: 'again', error: answer.error, inDoubt: true, nextMs: nowMs + delayMs };
  }
}

/** It was certainly not taken, and another try would end no differently. */
export function refusedForGood(error: string): ChannelAnswer {
  return { kind: 'refused', error: tidy(error), permanent: true, retryAfterMs: null };
}

/** It was certainly not taken; the next try may get through. */
export function refusedForNow(error: string): ChannelAnswer {
  return { kind: 'refused', error: tidy(error), permanent: false, retryAfterMs: null };
}

export function unknown(error: string): ChannelAnswer {
  return { kind: 'unknown', error: tidy(error) };
}

function textOf(error: unknown): string {
  const text = typeof error === 'string' ? tidy(error) : '';
  return text === '' ? NO_REASON : text;
}

/** One line that the journal takes, freed of secrets. */
function tidy(text: string): string {
  return plain(redactText(text).toWellFormed(), ERROR_MAX);
}

// Results and errors come from strangers: a child process, a server, somebody's function. What enters the journal and
// the agent's answer is plain JSON of bounded size and text without terminal or bidi tricks, whatever they sent.
import type { Json } from '@mandate/kernel';
import { failed } from './execution.ts';
import type { ExecutionOutcome } from './execution.ts';

/** The largest result that is kept, in bytes of its JSON text (1 MiB). */
export const MAX_RESULT_BYTES = 1_048_576;
/** Deeper results are refused: whoever reads them later may recurse. */
export const MAX_RESULT_DEPTH = 64;
/** Error texts are for people: two thousand characters carry any message worth reading. */
const MAX_ERROR_CHARS = 2_000;

export type Checked =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'bad'; readonly code: 'bad_result' | 'result_too_large'; readonly reason: string };

/** Turns any value into plain JSON or says why it cannot be: cycles, BigInt, functions, depth, size, throwing getters. */
export function toJson(value: unknown): Checked {
  const walk: Walk = { parents: new Set(), budget: MAX_RESULT_BYTES };
  try {
    const json = convert(value, 'result', walk);
    const bytes = Buffer.byteLength(JSON.stringify(json));
    return bytes > MAX_RESULT_BYTES ? tooLarge() : { kind: 'json', value: json };
  } catch (error) {
    if (error instanceof Refusal) return error.checked;
    return { kind: 'bad', code: 'bad_result', reason: `reading the result threw: ${errorText(error)}` };
  }
}

/** Parses text that claims to be JSON; null when it is not. Depth and size are checked by `toJson`. */
export function parseJson(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** A checked value as an outcome; `who` names the executor in the error. */
export function successOf(who: string, value: unknown, costMicroUsd: number | null): ExecutionOutcome {
  const checked = toJson(value);
  if (checked.kind === 'json') return { kind: 'success', result: checked.value, costMicroUsd };
  return failed(
    checked.code,
    `${who} finished, but its result cannot be kept: ${checked.reason}. Return plain JSON of at most 1 MiB.`,
  );
}

/**
 * Like `successOf`, for executors that may report what the act really cost: an object with exactly the keys `result`
 * and `costUsd` is unwrapped, everything else is the result itself.
 */
export function costedSuccessOf(who: string, value: unknown): ExecutionOutcome {
  if (!isCosted(value)) return successOf(who, value, null);
  const { costUsd, result } = value;
  const costMicroUsd = typeof costUsd === 'number' ? Math.round(costUsd * 1_000_000) : Number.NaN;
  if (!Number.isSafeInteger(costMicroUsd) || costMicroUsd < 0) {
    return failed(
      'bad_result',
      `${who} reported a costUsd that is no amount of money. Return a number of dollars, 0 or more.`,
    );
  }
  return successOf(who, result, costMicroUsd);
}

/** Text for an error field: well-formed, without control or direction characters, cut in the middle when too long. */
export function cleanText(text: string, maxChars = MAX_ERROR_CHARS): string {
  // Bound the work before the expressions run: a stranger chooses the length.
  const bounded = shortenMiddle(text, maxChars * 4);
  const plain = bounded.toWellFormed().replace(ansiSequence, '').replace(unprintable, '\ufffd').trim();
  return shortenMiddle(plain, maxChars);
}

export function errorText(error: unknown): string {
  try {
    return cleanText(error instanceof Error ? error.message || error.name : String(error));
  } catch {
    return 'an error that cannot be shown';
  }
}

/** Removes a secret that the other side sent back. Very short ones are left: replacing them would garble the text. */
export function withoutSecret(text: string, secret: string | null): string {
  return secret === null || secret.length < 8 ? text : text.replaceAll(secret, '[secret]');
}

/** Keeps the first and last parts of a text and says how much is missing between them. */
export function shortenMiddle(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const note = ` … [${text.length - maxChars} characters left out] … `;
  const kept = Math.max(0, maxChars - note.length);
  const head = Math.ceil(kept / 2);
  return text.slice(0, head).toWellFormed() + note + text.slice(text.length - (kept - head)).toWellFormed();
}

/** The last gate: whatever an executor answered, texts leave clean and capped. */
export function shapeOutcome(outcome: ExecutionOutcome): ExecutionOutcome {
  switch (outcome.kind) {
    case 'success':
    case 'cancelled':
      return outcome;
    case 'failed':
    case 'unknown':
      return { ...outcome, error: cleanText(outcome.error) };
  }
}

// oxlint-disable-next-line no-control-regex -- these are the characters that must not reach a terminal
const ansiSequence = /\u001b\[[0-9;?]{0,16}[ -/]{0,4}[@-~]/g;
// C0 and C1 controls but tab and newline, and the direction overrides that make text read as something else.
// oxlint-disable-next-line no-control-regex -- see above
const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

interface Walk {
  readonly parents: Set<object>;
  budget: number;
}

class Refusal extends Error {
  readonly checked: Checked;
  constructor(checked: Checked) {
    super('refused');
    this.checked = checked;
  }
}

function convert(value: unknown, path: string, walk: Walk): Json {
  spend(walk, 1);
  switch (typeof value) {
    case 'string':
      spend(walk, value.length);
      return value.toWellFormed();
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw refusal(`${path} is ${value}, which JSON cannot carry`);
      return value === 0 ? 0 : value;
    case 'undefined':
      return null;
    case 'bigint':
    case 'symbol':
    case 'function':
      throw refusal(`${path} is a ${typeof value}`);
    case 'object':
      return value === null ? null : convertObject(value, path, walk);
  }
}

function convertObject(value: object, path: string, walk: Walk): Json {
  if (walk.parents.has(value)) throw refusal(`${path} refers back to itself`);
  if (walk.parents.size >= MAX_RESULT_DEPTH)
    throw refusal(`${path} is nested deeper than ${MAX_RESULT_DEPTH} levels`);
  walk.parents.add(value);
  const json = value instanceof Date ? convertDate(value, path) : convertMembers(value, path, walk);
  walk.parents.delete(value);
  return json;
}

function convertDate(value: Date, path: string): string {
  if (Number.isNaN(value.getTime())) throw refusal(`${path} is an invalid date`);
  return value.toISOString();
}

function convertMembers(value: object, path: string, walk: Walk): Json {
  if (Array.isArray(value)) {
    return Array.from(value, (item: unknown, index) => convert(item, `${shortPath(path)}[${index}]`, walk));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refusal(`${path} is an instance of a class, not a plain object`);
  }
  const entries: [string, Json][] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    spend(walk, key.length + 3);
    entries.push([key.toWellFormed(), convert(member, `${shortPath(path)}.${key.slice(0, 40)}`, walk)]);
  }
  // fromEntries defines own properties, so a key `__proto__` stays data.
  return Object.fromEntries(entries);
}

/** Keeps the path that is shown in a refusal bounded, however deep the value is. */
function shortPath(path: string): string {
  return path.length > 200 ? `…${path.slice(-199)}` : path;
}

function spend(walk: Walk, bytes: number): void {
  walk.budget -= bytes;
  if (walk.budget < 0) throw new Refusal(tooLarge());
}

function refusal(reason: string): Refusal {
  return new Refusal({ kind: 'bad', code: 'bad_result', reason });
}

function tooLarge(): Checked {
  return { kind: 'bad', code: 'result_too_large', reason: 'it is larger than 1 MiB' };
}

function isCosted(value: unknown): value is { readonly result: unknown; readonly costUsd: unknown } {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const keys = Object.keys(value);
    return keys.length === 2 && Object.hasOwn(value, 'result') && Object.hasOwn(value, 'costUsd');
  } catch {
    return false;
  }
}

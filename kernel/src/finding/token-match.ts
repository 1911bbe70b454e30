// Checks what follows a prefix. Every look at the text goes through remembered runs, so that a text made of nothing
// but prefixes costs no more than any other.
import { hasChecksum } from './checksum.ts';
import type { Checksum } from './checksum.ts';
import { ALPHABET_KEYS, ALPHABETS, parseBody } from './secret-format.ts';
import type { Alphabet, Part, SecretFormat } from './secret-format.ts';
import { entropyOf, isPlaceholder } from './secret-names.ts';

/** Counts the characters that were looked at; tests hold it against the length of the text. */
export interface Work {
  steps: number;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface CompiledFormat {
  readonly kind: string;
  readonly parts: readonly Part[];
  readonly lead: Extract<Part, { kind: 'run' }> | null;
  readonly checksum: Checksum | null;
  readonly label: boolean;
  readonly strict: boolean;
  readonly guess: boolean;
}

/** Ends of runs of an alphabet within one text, each character scanned about once for each alphabet. */
export interface Runs {
  end(of: Alphabet, from: number): number;
  /** Counts characters that were looked at in another way. */
  spend(steps: number): void;
}

const BIT: Readonly<Record<string, number>> = Object.fromEntries(ALPHABET_KEYS.map((key, i) => [key, i]));
const MEMBERS = membership();
const REMEMBERED = 8;

/** Whether a character is in an alphabet. */
export function isIn(of: Alphabet, code: number): boolean {
  return code < 128 && (((MEMBERS[code] ?? 0) >>> (BIT[of] ?? 31)) & 1) === 1;
}

export function compileFormat(format: SecretFormat): CompiledFormat {
  const [lead] = parseBody(format.lead ?? '');
  return {
    kind: format.kind,
    parts: parseBody(format.body),
    lead: lead?.kind === 'run' ? lead : null,
    checksum: format.checksum ?? null,
    label: format.label ?? false,
    strict: format.strict ?? false,
    guess: format.guess ?? false,
  };
}

export function createRuns(text: string, work: Work): Runs {
  // Per alphabet the last eight runs; tokens have fewer parts than that, so coming back to a run finds it.
  let runs: Map<Alphabet, { from: number; to: number }[]> | null = null;
  return {
    end(of, from) {
      runs ??= new Map();
      const known = runs.get(of) ?? [];
      for (const run of known) if (from >= run.from && from <= run.to) return run.to;
      let to = from;
      while (to < text.length && isIn(of, text.charCodeAt(to))) to += 1;
      work.steps += to - from + 1;
      known.push({ from, to });
      if (known.length > REMEMBERED) known.shift();
      runs.set(of, known);
      return to;
    },
    spend(steps) {
      work.steps += steps;
    },
  };
}

/** Whether a character may stand so many places behind the prefix of a token. Yes where only a longer look would tell. */
export function mayStand({ parts: [first] }: CompiledFormat, place: number, code: number): boolean {
  if (first === undefined) return true;
  if (first.kind === 'run') return place >= first.min || isIn(first.of, code);
  return place >= first.text.length || first.text.charCodeAt(place) === code;
}

/** The token of a format whose prefix stands at `[at, after)`, or null. */
export function matchToken(
  format: CompiledFormat,
  text: string,
  prefix: { readonly at: number; readonly after: number },
  runs: Runs,
): Span | null {
  // The cheaper question first: a short prefix stands within words all the time, and then nothing else need be asked.
  if (format.lead === null && format.checksum === null && !startsFresh(format, text, prefix.at)) return null;
  const tail = matchParts(format.parts, text, prefix.after, runs);
  if (tail === null) return null;
  const start = matchLead(format, text, prefix.at);
  if (start === null) return null;
  const body = text.slice(prefix.after, tail);
  const proven =
    format.checksum !== null && hasChecksum(format.checksum, text.slice(prefix.at, prefix.after), body);
  if (!proven && !standsAlone(format, text, { start, end: tail })) return null;
  const random = text.slice(start, prefix.at) + body;
  if (isPlaceholder(random.slice(0, 256)) || (format.strict && !looksRandom(random))) return null;
  return { start: format.label ? prefix.after : start, end: wholeRun(format, tail, runs) };
}

/** Position after the parts, each run taken as far as it goes but no further than its maximum; null if one is missing. */
export function matchParts(parts: readonly Part[], text: string, from: number, runs: Runs): number | null {
  let at = from;
  for (const part of parts) {
    if (part.kind === 'literal') {
      if (!text.startsWith(part.text, at)) return null;
      at += part.text.length;
    } else {
      const length = Math.min(runs.end(part.of, at) - at, part.max);
      if (length < part.min) return null;
      at += length;
    }
  }
  return at;
}

/** Letters and digits mixed, and enough of both to be no word. */
export function looksRandom(text: string): boolean {
  const digits = text.replace(/\D+/g, '').length;
  const letters = text.replace(/[^A-Za-z]+/g, '').length;
  return digits >= 2 && letters >= 2 && entropyOf(text) >= 2.75;
}

// The longest lead that starts fresh. An escape before it (`%3D`) may be made of its own letters, so shorter ones are
// tried too; the longest stands where none is fresh, for a checksum to decide.
function matchLead(format: CompiledFormat, text: string, at: number): number | null {
  if (format.lead === null) return at;
  let start = at;
  while (start > 0 && at - start < format.lead.max && isIn(format.lead.of, text.charCodeAt(start - 1)))
    start -= 1;
  if (at - start < format.lead.min) return null;
  for (let from = start; at - from >= format.lead.min; from += 1)
    if (startsFresh(format, text, from)) return from;
  return start;
}

function standsAlone(format: CompiledFormat, text: string, span: Span): boolean {
  if (!startsFresh(format, text, span.start)) return false;
  // Only weak prefixes must end where they should: with a strong one, more characters behind it hide nothing.
  return !(format.strict || format.parts.length === 0) || !isIn('a', text.charCodeAt(span.end) || 128);
}

function startsFresh(format: CompiledFormat, text: string, start: number): boolean {
  if (start === 0 || !isIn('a', text.charCodeAt(start))) return true;
  const before = text.charCodeAt(start - 1);
  // `\n` written out, and `%3D`, end in a letter or digit and are still boundaries.
  if (isIn('a', before)) {
    const second = text.charCodeAt(start - 2);
    if (second === BACKSLASH) return ESCAPED.includes(before);
    return isIn('H', before) && isIn('H', second) && text.charCodeAt(start - 3) === PERCENT;
  }
  return !format.strict || !'-_.'.includes(text[start - 1] ?? ' ');
}

const BACKSLASH = 0x5c;
const PERCENT = 0x25;
// The letters n, r, t, b and f.
const ESCAPED: readonly number[] = [0x6e, 0x72, 0x74, 0x62, 0x66];

// What hangs on behind a token is hidden with it.
function wholeRun(format: CompiledFormat, end: number, runs: Runs): number {
  const last = format.parts.at(-1);
  return last?.kind === 'run' ? Math.max(end, runs.end(last.of, end)) : end;
}

function membership(): Uint32Array {
  const members = new Uint32Array(128);
  for (const [bit, key] of ALPHABET_KEYS.entries()) {
    const pattern = new RegExp(`[${ALPHABETS[key]}]`);
    for (let code = 0; code < 128; code += 1) {
      if (pattern.test(String.fromCharCode(code))) members[code] = (members[code] ?? 0) | (1 << bit);
    }
  }
  return members;
}

// Recognises a text that somebody copied, whole or in part. Every eighth run of nine characters of the source is filed
// by its hash: any sixteen characters in a row contain one of those runs whole, wherever they begin, so looking up every
// run of the other text misses none, and the index takes little more room than the text itself.

/** The texts of one source, ready to be compared with. */
export interface Passages {
  /** How many characters it holds, for whoever has to bound what it keeps. */
  readonly size: number;
  /** Whether a text is one of them, or has 16 characters in a row with them. Takes from the budget what it costs. */
  holds(text: PlainText, budget: { left: number }): 'value' | 'passage' | null;
}

/** A text made ready once for any number of sources. */
export interface PlainText {
  readonly text: string;
  /** Of every run of nine characters; none where the text is too short to hold a passage. */
  readonly hashes: Int32Array;
}

export function readPlain(text: string): PlainText {
  const plain = plainOf(text);
  const hashes = new Int32Array(plain.length < MIN_PASSAGE ? 0 : plain.length - RUN + 1);
  for (let at = 0; at < hashes.length; at += 1) hashes[at] = hashAt(plain, at);
  return { text: plain, hashes };
}

/** As short as the shortest names, numbers and addresses that are worth following; "production" and "true" come from anywhere. */
const MIN_VALUE = 8;
const MIN_PASSAGE = 16;
const STRIDE = 8;
const RUN = MIN_PASSAGE - STRIDE + 1;
/** Zero-width spaces and joiners, soft hyphens, direction marks, variation selectors, tags: they change no text for its reader. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]+/gu;
/** Stands between two texts and in no plain one, so that no passage runs over the border. */
const BORDER = '\u0000';

/**
 * A text as it is compared: compatibility forms, letter case, white space and characters that nobody sees make no
 * difference. Other disguises (base64, translation, paraphrase) do: they are not followed.
 */
function plainOf(text: string): string {
  // oxlint-disable-next-line no-control-regex -- tells ASCII, for which normalising changes nothing
  const composed = /^[\u0000-\u007f]*$/.test(text) ? text : text.replace(INVISIBLE, '').normalize('NFKC');
  return composed.toLowerCase().replaceAll(BORDER, ' ').replace(/\s+/g, ' ').trim();
}

/** Takes time and room in proportion to the texts, whatever they are. */
export function createPassages(texts: readonly string[]): Passages {
  const plain = texts.map(plainOf);
  const values = new Set(plain.filter((text) => text.length >= MIN_VALUE));
  const whole = plain.filter((text) => text.length >= MIN_PASSAGE).join(BORDER);
  const table = fileRuns(whole);
  return {
    size: plain.reduce((sum, text) => sum + text.length, 0),
    holds(sought, budget) {
      budget.left -= 1;
      if (values.has(sought.text)) return 'value';
      if (whole.length < MIN_PASSAGE) return null;
      return sharesPassage(sought, { whole, ...table }, budget) ? 'passage' : null;
    },
  };
}

interface Runs {
  /** By hash: the number of the latest run filed there, from 1; 0 for none. */
  readonly heads: Int32Array;
  /** By number: the run filed there before it. */
  readonly before: Int32Array;
}

function fileRuns(whole: string): Runs {
  const count = Math.max(0, Math.floor((whole.length - RUN) / STRIDE) + 1);
  let slots = 16;
  while (slots < count * 2) slots *= 2;
  const heads = new Int32Array(slots);
  const before = new Int32Array(count + 1);
  for (let number = 1; number <= count; number += 1) {
    const slot = hashAt(whole, (number - 1) * STRIDE) & (slots - 1);
    before[number] = heads[slot] ?? 0;
    heads[slot] = number;
  }
  return { heads, before };
}

function sharesPassage(
  { text, hashes }: PlainText,
  { whole, heads, before }: Runs & { readonly whole: string },
  budget: { left: number },
): boolean {
  const mask = heads.length - 1;
  for (const [at, hash] of hashes.entries()) {
    budget.left -= 1;
    let number = heads[hash & mask] ?? 0;
    while (number > 0) {
      budget.left -= RUN;
      if (budget.left <= 0) return false;
      if (isPassage(text, at, whole, (number - 1) * STRIDE)) return true;
      number = before[number] ?? 0;
    }
    if (budget.left <= 0) return false;
  }
  return false;
}

function isPassage(text: string, at: number, whole: string, from: number): boolean {
  let length = 0;
  while (length < MIN_PASSAGE && isSame(text, at + length, whole, from + length)) length += 1;
  if (length < RUN) return false;
  for (let back = 1; length < MIN_PASSAGE && isSame(text, at - back, whole, from - back); back += 1)
    length += 1;
  return length >= MIN_PASSAGE;
}

// Beyond either end `charCodeAt` is NaN, which equals nothing; the border stands in no plain text.
function isSame(text: string, at: number, whole: string, from: number): boolean {
  return text.charCodeAt(at) === whole.charCodeAt(from);
}

// FNV-1a over UTF-16 code units (public domain, isthe.com/chongo/tech/comp/fnv), folded so that its low bits are mixed.
function hashAt(text: string, at: number): number {
  let hash = 0x811c9dc5;
  for (let i = at; i < at + RUN; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}

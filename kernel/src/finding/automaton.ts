// One pass over a text for all prefixes at once (Aho and Corasick, "Efficient string matching", CACM 18(6), 1975):
// the time does not grow with the number of formats, and no text can make it slow.

export interface Automaton {
  /** Column of the table by character code below 128; 0 for characters that stand in no word. */
  readonly columns: Uint8Array;
  readonly width: number;
  /** Next state by `state * width + column`. */
  readonly next: Int16Array;
  /** Indices of the words that end in a state, longest first. */
  readonly ends: readonly (readonly number[])[];
  /** 1 for a state in which a word ends: most states are none, and asking this is cheaper than asking `ends`. */
  readonly isEnd: Uint8Array;
  /** 1 for a state of which no more is known than that a word may have begun with the last character. */
  readonly isFirst: Uint8Array;
  /** 1 where a word may begin with these three characters, by `slotOf`. */
  readonly starts: Uint8Array;
  /** A bit for each `longSlotOf`: 1 where a word may begin with these four characters. */
  readonly longStarts: Int32Array;
}

/** Whether a character may stand so many places behind a word, by the index of the word. */
export type MayFollow = (word: number, place: number, code: number) => boolean;

/**
 * Compiles ASCII words of two characters or more, which may repeat. At most 32,767 states, far above what the tables need.
 * `mayFollow` says what makes a short word worth a stop.
 */
export function compileAutomaton(words: readonly string[], mayFollow: MayFollow = () => true): Automaton {
  const columns = new Uint8Array(128);
  let width = 1;
  for (const char of new Set(words.join(''))) {
    columns[char.charCodeAt(0)] = width;
    width += 1;
  }
  const { children, own } = buildTrie(words, columns);
  const next = new Int16Array(children.length * width);
  const ends: number[][] = own.map((list) => [...list]);
  const fallback = new Int16Array(children.length);
  // Breadth first, so that a state's fallback is complete before the state is.
  const queue: number[] = [0];
  for (let head = 0; head < queue.length; head += 1) {
    const state = queue[head] ?? 0;
    const back = fallback[state] ?? 0;
    if (state !== 0) ends[state]?.push(...(ends[back] ?? []));
    for (let column = 0; column < width; column += 1) {
      const child = children[state]?.get(column);
      const over = state === 0 ? 0 : (next[back * width + column] ?? 0);
      next[state * width + column] = child ?? over;
      if (child !== undefined) {
        fallback[child] = over;
        queue.push(child);
      }
    }
  }
  const isEnd = Uint8Array.from(ends, (list) => (list.length > 0 ? 1 : 0));
  const isFirst = new Uint8Array(children.length);
  for (const child of children[0]?.values() ?? []) isFirst[child] = 1;
  return { columns, width, next, ends, isEnd, isFirst, ...compileStarts(words, mayFollow) };
}

function compileStarts(
  words: readonly string[],
  mayFollow: MayFollow,
): Pick<Automaton, 'starts' | 'longStarts'> {
  const starts = new Uint8Array(SLOTS);
  const longStarts = new Int32Array(LONG_SLOTS >>> 5);
  for (const [index, word] of words.entries()) {
    const codesAt = (at: number): readonly number[] =>
      at < word.length
        ? [word.charCodeAt(at)]
        : ASCII.filter((code) => mayFollow(index, at - word.length, code));
    const [first, second] = [word.charCodeAt(0), word.charCodeAt(1)];
    const fourths = codesAt(3);
    for (const third of codesAt(2)) {
      starts[slotOf(first, second, third)] = 1;
      for (const fourth of fourths) {
        const slot = longSlotOf(first, second, third, fourth);
        longStarts[slot >>> 5] = (longStarts[slot >>> 5] ?? 0) | (1 << (slot & 31));
      }
    }
  }
  return { starts, longStarts };
}

/** The state after one more character; state 0 is the start. */
export function advance(automaton: Automaton, state: number, code: number): number {
  if (code >= 128) return 0;
  return automaton.next[state * automaton.width + (automaton.columns[code] ?? 0)] ?? 0;
}

/**
 * Where a word may begin, at `from` or behind it; where none can, a place close to the end. In the start state nothing
 * but this need be asked, and unlike steps of the automaton these do not wait for one another.
 */
export function nextStart(automaton: Automaton, text: string, from: number): number {
  const { starts, longStarts } = automaton;
  const last = text.length - 3;
  // Too near the end for four characters: reading past it would be slow, and so few steps are not worth saving.
  if (from >= last) return from;
  let first = text.charCodeAt(from);
  let second = text.charCodeAt(from + 1);
  let at = from;
  // Two at a time: nearly always neither is one, and that is told by one branch.
  for (; at < last - 1; at += 2) {
    const third = text.charCodeAt(at + 2);
    const fourth = text.charCodeAt(at + 3);
    const here = starts[slotOf(first, second, third)] ?? 0;
    const next = starts[slotOf(second, third, fourth)] ?? 0;
    if ((here | next) !== 0) {
      if (here !== 0 && isLongStart(longStarts, longSlotOf(first, second, third, fourth))) return at;
      const fifth = text.charCodeAt(at + 4);
      if (next !== 0 && isLongStart(longStarts, longSlotOf(second, third, fourth, fifth))) return at + 1;
    }
    first = third;
    second = fourth;
  }
  return at;
}

const ASCII: readonly number[] = Array.from({ length: 128 }, (_, code) => code);
const SLOTS = 1 << 16;
const LONG_SLOTS = 1 << 20;

// Keeps lower-case words apart; characters that share a slot only cost a look at the fourth. What follows a short word
// is cut to ASCII, so that one which anything may follow is not passed by.
function slotOf(first: number, second: number, third: number): number {
  return ((first << 10) ^ (second << 5) ^ (third & 127)) & (SLOTS - 1);
}

// `con` begins a third of all lines of a program and one word here, which goes on with an n: a fourth character is only
// worth asking for where three fit, and then the answer is to be right.
function longSlotOf(first: number, second: number, third: number, fourth: number): number {
  const key = ((first << 21) ^ (second << 14) ^ ((third & 127) << 7) ^ (fourth & 127)) | 0;
  return Math.imul(key, 0x9e3779b1) >>> 12;
}

function isLongStart(longStarts: Int32Array, slot: number): boolean {
  return (((longStarts[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 1;
}

function buildTrie(words: readonly string[], columns: Uint8Array) {
  const children: Map<number, number>[] = [new Map()];
  const own: number[][] = [[]];
  for (const [index, word] of words.entries()) {
    let state = 0;
    for (let i = 0; i < word.length; i += 1) {
      const column = columns[word.charCodeAt(i)] ?? 0;
      let child = children[state]?.get(column);
      if (child === undefined) {
        child = children.length;
        children.push(new Map());
        own.push([]);
        children[state]?.set(column, child);
      }
      state = child;
    }
    own[state]?.push(index);
  }
  return { children, own };
}

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
  /** Whether a word may begin with these three characters, by `slotOf`: 0 no, 1 if the fourth fits too, 2 yes. */
  readonly starts: Uint8Array;
  /** 1 where a word may begin with these four characters, by `longSlotOf`. */
  readonly longStarts: Uint8Array;
}

/** Compiles ASCII words of two characters or more, which may repeat. At most 32,767 states, far above what the tables need. */
export function compileAutomaton(words: readonly string[]): Automaton {
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
  return { columns, width, next, ends, isEnd, ...compileStarts(words) };
}

function compileStarts(words: readonly string[]): Pick<Automaton, 'starts' | 'longStarts'> {
  const starts = new Uint8Array(SLOTS);
  const longStarts = new Uint8Array(SLOTS);
  for (const word of words) {
    const [first = 0, second = 0, third = 0, fourth = 0] = Array.from(word, (char) => char.charCodeAt(0));
    const slot = slotOf(first, second, third);
    if (word.length > 3) {
      starts[slot] = Math.max(starts[slot] ?? 0, 1);
      longStarts[longSlotOf(slot, fourth)] = 1;
    } else if (word.length === 3) starts[slot] = 2;
    else for (let any = 0; any < 128; any += 1) starts[slotOf(first, second, any)] = 2;
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
  const { starts } = automaton;
  const last = text.length - 2;
  // Too near the end for three characters: reading past it would be slow, and so few steps are not worth saving.
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
      if (here !== 0 && isStart(automaton, text, at)) return at;
      if (next !== 0 && isStart(automaton, text, at + 1)) return at + 1;
    }
    first = third;
    second = fourth;
  }
  if (at < last && starts[slotOf(first, second, text.charCodeAt(at + 2))] !== 0) return at;
  return last;
}

// `con` begins a third of all lines of a program and one word here, which goes on with an n: a fourth character is only
// worth asking for where three fit.
function isStart({ starts, longStarts }: Automaton, text: string, at: number): boolean {
  const slot = slotOf(text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2));
  return starts[slot] === 2 || longStarts[longSlotOf(slot, text.charCodeAt(at + 3))] === 1;
}

const SLOTS = 1 << 16;

// Keeps lower-case words apart; characters that share a slot only cost a step more. The third is cut to ASCII, so that
// a word of two characters can fill every slot in which it may stand.
function slotOf(first: number, second: number, third: number): number {
  return ((first << 10) ^ (second << 5) ^ (third & 127)) & (SLOTS - 1);
}

function longSlotOf(slot: number, fourth: number): number {
  return (Math.imul(slot, 131) ^ (fourth & 127)) & (SLOTS - 1);
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

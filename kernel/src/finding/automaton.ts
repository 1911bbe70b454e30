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
  /** 1 where a word begins with this pair of characters, by `first * 128 + second`. */
  readonly starts: Uint8Array;
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
  const starts = new Uint8Array(128 * 128);
  for (const word of words) starts[word.charCodeAt(0) * 128 + word.charCodeAt(1)] = 1;
  return { columns, width, next, ends, isEnd, starts };
}

/** The state after one more character; state 0 is the start. */
export function advance(automaton: Automaton, state: number, code: number): number {
  if (code >= 128) return 0;
  return automaton.next[state * automaton.width + (automaton.columns[code] ?? 0)] ?? 0;
}

/**
 * Where a word may begin, at `from` or behind it; the length of the text where none can. In the start state nothing
 * but this need be asked, and unlike steps of the automaton these do not wait for one another.
 */
export function nextStart({ starts }: Automaton, text: string, from: number): number {
  let first = text.charCodeAt(from);
  for (let at = from + 1; at < text.length; at += 1) {
    const second = text.charCodeAt(at);
    if (first < 128 && second < 128 && starts[first * 128 + second] === 1) return at - 1;
    first = second;
  }
  return text.length;
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

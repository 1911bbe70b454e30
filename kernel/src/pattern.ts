// Patterns over dotted action names. Only two forms exist, an exact name and a literal prefix with one trailing
// `*`, because then "more specific" is a total order that a person can check by eye. Looking a name up costs the
// length of the name, never the number of patterns.

/** Names and patterns are kept short so that a flood of odd names cannot fill a memory. */
const MAX_NAME_LENGTH = 256;

// The metacharacters of globs, regular expressions and shells are left out: whoever writes `code.{read,lint}`
// or `a*b` means more than a pattern can say and must hear of it.
const LITERAL = /^[A-Za-z0-9_.:/@+#~=-]+$/;

/** Whether a rule could name this action at all. An action whose name is not one is never judged milder than red. */
export function isActionName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && LITERAL.test(name);
}

/** What is wrong with a pattern and what to write instead; null when it is sound. */
export function patternProblem(pattern: string): string | null {
  if (pattern === '')
    return 'the pattern is empty; write an action name, a prefix such as `git.*`, or `*` for every action';
  if (pattern.length > MAX_NAME_LENGTH)
    return `the pattern is longer than ${MAX_NAME_LENGTH} characters; shorten it`;
  const literal = pattern.endsWith('*') ? pattern.slice(0, -1) : pattern;
  if (literal.includes('*')) {
    return `\`${pattern}\` has a * that is not at its end; a pattern is an exact name or a prefix with one trailing *`;
  }
  if (literal !== '' && !LITERAL.test(literal)) {
    return `\`${pattern}\` is not a pattern; use letters, digits and . _ - : / @ + # ~ = with at most one trailing *, one pattern for each name`;
  }
  return null;
}

/** Whether a pattern covers a name. A malformed pattern covers only the name that it spells. */
export function patternCovers(pattern: string, name: string): boolean {
  const last = pattern.length - 1;
  if (pattern.charCodeAt(last) !== STAR) return pattern === name;
  if (name.length < last) return false;
  for (let at = 0; at < last; at++) if (pattern.charCodeAt(at) !== name.charCodeAt(at)) return false;
  return true;
}

/** Whether one of the patterns covers the name. */
export function anyPatternCovers(patterns: readonly string[], name: string): boolean {
  for (const pattern of patterns) if (patternCovers(pattern, name)) return true;
  return false;
}

const STAR = 42;

/** Negative when `a` is more specific: an exact name before any prefix, a longer prefix before a shorter one. */
export function compareSpecificity(a: string, b: string): number {
  const aIsPrefix = a.endsWith('*');
  const bIsPrefix = b.endsWith('*');
  if (aIsPrefix !== bIsPrefix) return aIsPrefix ? 1 : -1;
  return aIsPrefix ? b.length - a.length : 0;
}

/** Values filed under patterns, found again by name. */
export interface PatternTable<Value> {
  /** Every value whose pattern covers the name, the most specific patterns first. */
  readonly all: (name: string) => readonly Value[];
  /** The value of the most specific pattern that covers the name. */
  readonly first: (name: string) => Value | null;
}

interface Node<Value> {
  readonly next: Map<number, Node<Value>>;
  readonly exact: Value[];
  readonly prefix: Value[];
}

/** Builds a trie over the characters of the patterns; values of one pattern keep the order in which they came. */
export function createPatternTable<Value>(entries: Iterable<readonly [string, Value]>): PatternTable<Value> {
  const root = createNode<Value>();
  for (const [pattern, value] of entries) insert(root, pattern, value);
  return { all: (name) => collect(root, name), first: (name) => collect(root, name)[0] ?? null };
}

function createNode<Value>(): Node<Value> {
  return { next: new Map(), exact: [], prefix: [] };
}

function insert<Value>(root: Node<Value>, pattern: string, value: Value): void {
  const isPrefix = pattern.endsWith('*');
  const length = isPrefix ? pattern.length - 1 : pattern.length;
  let node = root;
  for (let at = 0; at < length; at++) {
    const code = pattern.charCodeAt(at);
    let next = node.next.get(code);
    if (next === undefined) {
      next = createNode();
      node.next.set(code, next);
    }
    node = next;
  }
  (isPrefix ? node.prefix : node.exact).push(value);
}

function collect<Value>(root: Node<Value>, name: string): Value[] {
  const path: Node<Value>[] = [root];
  let node: Node<Value> | undefined = root;
  for (let at = 0; at < name.length; at++) {
    node = node.next.get(name.charCodeAt(at));
    if (node === undefined) break;
    path.push(node);
  }
  const found: Value[] = node === undefined ? [] : [...node.exact];
  for (const step of path.toReversed()) for (const value of step.prefix) found.push(value);
  return found;
}

/**
 * Remembers the answers of a pure function of a string. When `capacity` is reached everything is forgotten at once:
 * a flood of new names then costs time, never memory, and the names in daily use are back after one call each.
 */
export function createMemo<Value>(capacity: number, compute: (key: string) => Value): (key: string) => Value {
  const known = new Map<string, Value>();
  return (key) => {
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    const value = compute(key);
    if (key.length > MAX_KEY_LENGTH) return value;
    if (known.size >= capacity) known.clear();
    known.set(key, value);
    return value;
  };
}

const MAX_KEY_LENGTH = 1024;

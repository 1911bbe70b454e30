// YAML is read by rules stricter than YAML's own: whatever two readers could understand differently, or what a
// hostile file could hide, is refused with its line and column. What comes out is plain data plus the way back
// from every path to the place where it is written.
import { Composer, isAlias, isMap, isScalar, isSeq, LineCounter, Parser, visit } from 'yaml';
import type { Alias, Document, Node, Pair } from 'yaml';
import { renderPath } from './error.ts';
import type { CharterError, Path, Place } from './error.ts';
import { sourceOffset } from './scalar-offset.ts';
import type { ScalarStyle } from './scalar-offset.ts';
import { decodeText, disguises } from './source-text.ts';

/** A file that is sound YAML; whether it is a charter is for the schema to say. */
export interface YamlFile {
  readonly file: string;
  readonly text: string;
  /** Null-prototype maps, arrays and scalars. */
  readonly value: unknown;
  /** Where the value at `path` begins; the nearest enclosing place when the path does not exist. */
  placeOf(path: Path): Place;
  /** Where the key that ends `path` is written. */
  placeOfKey(path: Path): Place;
  /** Where character `offset` of the text at `path` is written. */
  placeWithin(path: Path, offset: number): Place;
  has(path: Path): boolean;
}

export type Parsed =
  | { readonly kind: 'parsed'; readonly yaml: YamlFile }
  | { readonly kind: 'refused'; readonly errors: readonly CharterError[] };

const MAX_DEPTH = 64;
/** Aliases count each time they are used, so that a few lines cannot unfold into gigabytes. */
const MAX_VALUES = 100_000;
/** More mistakes than this help nobody. */
const MAX_TOLD = 200;
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Reads one YAML document from bytes or text; never throws for what is in it. */
export function parseYaml(file: string, input: Uint8Array | string): Parsed {
  const decoded = decodeText(input);
  if (typeof decoded !== 'string') return { kind: 'refused', errors: [{ file, pointer: '', ...decoded }] };
  const lines = new LineCounter();
  const composed = compose(file, decoded, lines);
  if (composed.kind === 'refused') return composed;
  const places = createPlaces(file, decoded, lines);
  const errors: CharterError[] = [
    ...disguises(decoded).map((it) => places.error(it.offset, [], it.message)),
    ...composed.errors,
  ];
  const converted = convert(composed.tree, places);
  errors.push(...converted.errors);
  if (errors.length > 0) return { kind: 'refused', errors };
  return {
    kind: 'parsed',
    yaml: createFile(file, decoded, composed.tree, { places, value: converted.value }),
  };
}

/** A composed document and its anchors, found once: the library looks an alias up by walking everything each time. */
interface Tree {
  readonly document: Document;
  readonly anchors: ReadonlyMap<string, Node>;
}

type Composed =
  | { readonly kind: 'composed'; readonly tree: Tree; readonly errors: readonly CharterError[] }
  | { readonly kind: 'refused'; readonly errors: readonly CharterError[] };

function compose(file: string, text: string, lines: LineCounter): Composed {
  const errors: CharterError[] = [];
  const report = (offset: number, message: string): void => {
    if (errors.length >= MAX_TOLD) return;
    const { line, col } = lines.linePos(offset);
    errors.push({ file, line: Math.max(line, 1), column: Math.max(col, 1), pointer: '', message });
  };
  try {
    const tokens = [...new Parser(lines.addNewLine).parse(text)];
    for (const token of tokens) {
      if (token.type === 'directive')
        report(
          token.offset,
          `The directive ${token.source} changes how YAML is read. Remove it: charters are YAML 1.2.`,
        );
    }
    const composer = new Composer({
      version: '1.2',
      schema: 'core',
      uniqueKeys: false,
      stringKeys: true,
      prettyErrors: false,
      logLevel: 'silent',
    });
    const documents = [...composer.compose(tokens, true, text.length)];
    const [document, second] = documents;
    if (document === undefined)
      throw new Error('the YAML composer was told to make a document of anything and made none');
    for (const error of [...document.errors, ...document.warnings]) {
      report(error.pos[0], `${sentence(error.message)} Correct the YAML.`);
    }
    if (second !== undefined) {
      report(
        second.range[0],
        'A second YAML document begins here. Keep one document in a file and name others under extends.',
      );
    }
    const anchors = new Map<string, Node>();
    visit(document, {
      Node: (_key, node) => {
        if (isAlias(node) || node.anchor === undefined) return;
        if (anchors.has(node.anchor))
          report(startOf(node), `The anchor &${node.anchor} is defined twice. Give it another name.`);
        else anchors.set(node.anchor, node);
      },
    });
    return { kind: 'composed', tree: { document, anchors }, errors };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { kind: 'refused', errors: [{ file, line: 1, column: 1, pointer: '', message: tooDeep() }] };
  }
}

function sentence(text: string): string {
  const first = (text.split('\n', 1)[0] ?? text).replace(/ at line \d+, column \d+:?$/, '').trim();
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

function tooDeep(): string {
  return `Values are nested more than ${MAX_DEPTH} deep. Flatten this part.`;
}

interface Places {
  at(offset: number): Place;
  error(offset: number, path: Path, message: string): CharterError;
}

function createPlaces(file: string, text: string, lines: LineCounter): Places {
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  return { at, error: (offset, path, message) => ({ ...at(offset), pointer: renderPath(path), message }) };
}

interface Converted {
  readonly value: unknown;
  readonly errors: readonly CharterError[];
}

function convert(tree: Tree, places: Places): Converted {
  const errors: CharterError[] = [];
  let values = 0;
  const stop = (node: Node | null, path: Path, message: string): undefined => {
    if (errors.length < MAX_TOLD) errors.push(places.error(startOf(node), path, message));
    return undefined;
  };
  const walk = (node: Node | null, path: Path): unknown => {
    values++;
    if (values === MAX_VALUES + 1) {
      return stop(
        node,
        path,
        `The file unfolds into more than ${MAX_VALUES} values. Remove the repeated aliases, or split the file.`,
      );
    }
    if (values > MAX_VALUES) return undefined;
    if (path.length > MAX_DEPTH) return stop(node, path.slice(0, 3), tooDeep());
    if (isAlias(node)) {
      const target = targetOf(node, tree);
      if (target === null)
        return stop(
          node,
          path,
          `The alias *${node.source} has no anchor before it. Write &${node.source} where the value stands.`,
        );
      return walk(target, path);
    }
    if (isMap(node)) return walkMap(node.items, path);
    if (isSeq(node)) return node.items.map((item, index) => walk(asNode(item), [...path, index]));
    return isScalar(node) ? node.value : null;
  };
  const walkMap = (items: readonly Pair[], path: Path): unknown => {
    const map: Record<string, unknown> = Object.create(null);
    const first = new Map<string, number>();
    for (const pair of items) {
      const key = keyOf(pair);
      const keyNode = asNode(pair.key);
      const here = [...path, key];
      const before = first.get(key);
      if (before !== undefined) {
        stop(
          keyNode,
          here,
          `The key ${key} is already written on line ${places.at(before).line}. Keep one of the two.`,
        );
      } else if (FORBIDDEN_KEYS.has(key)) {
        stop(keyNode, here, `The key ${key} is reserved. Choose another name.`);
      } else if (key === '<<') {
        stop(keyNode, here, 'Merge keys are not part of YAML 1.2. Name a base charter under extends.');
      } else {
        first.set(key, startOf(keyNode));
        map[key] = walk(asNode(pair.value), here);
      }
    }
    return map;
  };
  const value = walk(asNode(tree.document.contents), []);
  return { value, errors };
}

function createFile(
  file: string,
  text: string,
  tree: Tree,
  parsed: { places: Places; value: unknown },
): YamlFile {
  const { places, value } = parsed;
  // A map of thousands of keys is asked for each of them.
  const index: PairsByKey = new Map();
  const follow = (
    path: Path,
  ): { readonly node: Node | null; readonly key: Node | null; readonly whole: boolean } => {
    let node: Node | null = asNode(tree.document.contents);
    let key: Node | null = null;
    for (const step of path) {
      const here: Node | null = isAlias(node) ? targetOf(node, tree) : node;
      const next = child(here, step, index);
      if (next === null) return { node, key, whole: false };
      node = next.node;
      key = next.key;
    }
    return { node, key, whole: true };
  };
  return {
    file,
    text,
    value,
    placeOf: (path) => {
      const { node, key } = follow(path);
      return places.at(startOf(isEmpty(node) ? (key ?? node) : node));
    },
    placeOfKey: (path) => {
      const { node, key } = follow(path);
      return places.at(startOf(key ?? node));
    },
    placeWithin: (path, offset) => {
      const { node: found } = follow(path);
      const node = isAlias(found) ? targetOf(found, tree) : found;
      if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return places.at(startOf(found));
      const [start, end] = node.range;
      return places.at(
        sourceOffset(text, { value: node.value, start, end, style: styleOf(node.type) }, offset),
      );
    },
    has: (path) => follow(path).whole,
  };
}

type PairsByKey = Map<Node, ReadonlyMap<string, Pair>>;

function child(
  node: Node | null,
  step: string | number,
  index: PairsByKey,
): { node: Node | null; key: Node | null } | null {
  if (isMap(node)) {
    const pairs = index.get(node) ?? new Map(node.items.map((item) => [keyOf(item), item]));
    index.set(node, pairs);
    const pair = pairs.get(String(step));
    return pair === undefined ? null : { node: asNode(pair.value), key: asNode(pair.key) };
  }
  if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
    return { node: asNode(node.items[step]), key: null };
  }
  return null;
}

/** An alias may only repeat what stands before it. */
function targetOf(alias: Alias, tree: Tree): Node | null {
  const target = tree.anchors.get(alias.source);
  return target === undefined || startOf(target) >= startOf(alias) ? null : target;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function asNode(value: unknown): Node | null {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value) ? value : null;
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

function isEmpty(node: Node | null): boolean {
  return node === null || (node.range?.[0] ?? 0) === (node.range?.[1] ?? 0);
}

function styleOf(type: string | null | undefined): ScalarStyle {
  if (type === 'QUOTE_DOUBLE') return 'double';
  if (type === 'QUOTE_SINGLE') return 'single';
  return type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED' ? 'block' : 'plain';
}

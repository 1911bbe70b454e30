// Tokens into a tree: recursive descent that stops at the first problem. A problem ends the token stream instead of
// throwing, so every loop here runs out by itself; depth and size are bounded while the tree grows.
import { buildMacro } from './macro.ts';
import { readNumber } from './number.ts';
import type { Builder, ConditionProblem, Node, Unplaced } from './syntax.ts';
import { tokenize, type Token } from './token.ts';
import { excerpt, MAX_DEPTH, MAX_LENGTH, MAX_NODES, type CelValue } from './value.ts';

export type Parsed =
  | { readonly kind: 'parsed'; readonly node: Node }
  | { readonly kind: 'refused'; readonly problem: ConditionProblem };

const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else for function if import let loop package namespace return var void while in'.split(
    ' ',
  ),
);
const BINARY: ReadonlyMap<string, number> = new Map([
  ['<', 1],
  ['<=', 1],
  ['>', 1],
  ['>=', 1],
  ['==', 1],
  ['!=', 1],
  ['in', 1],
  ['+', 2],
  ['-', 2],
  ['*', 3],
  ['/', 3],
  ['%', 3],
]);

export function parse(source: string): Parsed {
  if (source.length > MAX_LENGTH) {
    const message = `a condition has at most ${MAX_LENGTH} characters, this one has ${source.length}: split the rule`;
    return { kind: 'refused', problem: { message, offset: MAX_LENGTH } };
  }
  const read = tokenize(source);
  if (read.kind === 'refused') return read;
  const parser = createParser(read.tokens);
  const node = parser.whole();
  return parser.problem() === null
    ? { kind: 'parsed', node }
    : { kind: 'refused', problem: parser.problem() ?? { message: 'not understood', offset: 0 } };
}

interface Parser {
  whole(): Node;
  problem(): ConditionProblem | null;
}

function createParser(tokens: readonly Token[]): Parser {
  const end: Token = tokens.at(-1) ?? { kind: 'end', text: '', offset: 0 };
  let position = 0;
  let nodes = 0;
  let nesting = 0;
  let problem: ConditionProblem | null = null;

  const peek = (): Token => (problem === null ? (tokens[position] ?? end) : end);
  const isMark = (text: string): boolean => peek().kind === 'mark' && peek().text === text;
  const next = (): Token => {
    const token = peek();
    position++;
    return token;
  };
  const accept = (text: string): boolean => {
    if (!isMark(text)) return false;
    position++;
    return true;
  };

  function fail(message: string, offset: number): Node {
    problem ??= { message, offset };
    return { kind: 'literal', value: null, offset, depth: 1 };
  }

  function make(node: Unplaced, children: readonly Node[]): Node {
    let depth = 1;
    for (const child of children) depth = Math.max(depth, child.depth + 1);
    nodes++;
    if (depth > MAX_DEPTH)
      return fail(`nested more than ${MAX_DEPTH} levels deep: split the rule`, node.offset);
    if (nodes > MAX_NODES) return fail(`more than ${MAX_NODES} parts: split the rule`, node.offset);
    return { ...node, depth };
  }
  const builder: Builder = { make, fail };

  function expect(text: string, after: string): void {
    const token = peek();
    if (!accept(text)) fail(`expected '${text}' ${after}, found ${describe(token)}`, token.offset);
  }

  function whole(): Node {
    const node = expression();
    if (peek().kind !== 'end')
      fail(`expected an operator or the end, found ${describe(peek())}`, peek().offset);
    return node;
  }

  function expression(): Node {
    if (++nesting > MAX_DEPTH)
      return fail(`nested more than ${MAX_DEPTH} levels deep: split the rule`, peek().offset);
    const test = logic('||');
    const { offset } = peek();
    let node = test;
    if (accept('?')) {
      const yes = logic('||');
      expect(':', 'of the conditional');
      const no = expression();
      node = make({ kind: 'choice', test, yes, no, offset }, [test, yes, no]);
    }
    nesting--;
    return node;
  }

  function logic(operator: '&&' | '||'): Node {
    const operand = (): Node => (operator === '||' ? logic('&&') : binary(1));
    const first = operand();
    const { offset } = peek();
    if (!isMark(operator)) return first;
    const operands = [first];
    while (accept(operator)) operands.push(operand());
    return make({ kind: 'logic', operator, operands, offset }, operands);
  }

  function binary(level: number): Node {
    let left = level > 3 ? unary() : binary(level + 1);
    for (let token = peek(); isBinary(token, level); token = peek()) {
      position++;
      const right = binary(level + 1);
      const name = token.text === 'in' ? '@in' : `_${token.text}_`;
      left = make({ kind: 'call', name, receiver: false, args: [left, right], offset: token.offset }, [
        left,
        right,
      ]);
    }
    return left;
  }

  function unary(): Node {
    const marks: Token[] = [];
    const mark = peek();
    if (mark.kind === 'mark' && (mark.text === '!' || mark.text === '-')) {
      while (isMark(mark.text)) marks.push(next());
    }
    const number = peek();
    let node: Node;
    if (marks.at(-1)?.text === '-' && (number.kind === 'int' || number.kind === 'double')) {
      // The smallest int has no positive twin, so its sign belongs to the literal.
      node = members(numberNode(next(), '-', marks.pop()?.offset ?? number.offset));
    } else node = members(primary());
    for (const { text, offset } of marks.toReversed()) {
      node = make({ kind: 'call', name: text === '!' ? '!_' : '-_', receiver: false, args: [node], offset }, [
        node,
      ]);
    }
    return node;
  }

  function members(start: Node): Node {
    let node = start;
    for (;;) {
      const { offset } = peek();
      if (accept('.')) node = member(node);
      else if (accept('[')) {
        const index = expression();
        expect(']', 'after the index');
        node = make({ kind: 'call', name: '_[_]', receiver: false, args: [node, index], offset }, [
          node,
          index,
        ]);
      } else if (isMark('{') && (node.kind === 'ident' || node.kind === 'select')) {
        return fail('messages are not part of conditions; write a map in braces on its own', offset);
      } else return node;
    }
  }

  function member(operand: Node): Node {
    if (accept('?')) return fail('optional fields are not part of conditions: use has(…)', peek().offset);
    const field = next();
    if (field.kind !== 'name' && field.kind !== 'quoted') {
      return fail(`expected a field name after '.', found ${describe(field)}`, field.offset);
    }
    if (field.kind === 'name' && isWord(field.text))
      return fail(`'${field.text}' is no field name; write ['${field.text}']`, field.offset);
    if (field.kind === 'quoted' || !isMark('(')) {
      const { text, offset } = field;
      return make({ kind: 'select', operand, field: text, quoted: field.kind === 'quoted', offset }, [
        operand,
      ]);
    }
    const args = callArguments();
    const macro = buildMacro({ name: field.text, offset: field.offset, receiver: operand, args }, builder);
    if (macro !== null) return macro;
    const all = [operand, ...args];
    return make({ kind: 'call', name: field.text, receiver: true, args: all, offset: field.offset }, all);
  }

  function callArguments(): readonly Node[] {
    expect('(', 'before the arguments');
    return sequence(')', expression);
  }

  /** Items up to the closing mark, separated by commas; a trailing comma is allowed in literals only. */
  function sequence<T>(close: string, item: () => T): readonly T[] {
    const items: T[] = [];
    while (!isMark(close) && peek().kind !== 'end') {
      items.push(item());
      if (!accept(',')) break;
      if (close === ')' && isMark(close)) fail('an argument is missing after the comma', peek().offset);
    }
    expect(close, 'or a comma');
    return items;
  }

  function primary(): Node {
    const token = next();
    const { offset } = token;
    switch (token.kind) {
      case 'int':
      case 'uint':
      case 'double':
        return numberNode(token, '', offset);
      case 'string':
        return literal(token.text, offset);
      case 'bytes':
        return literal(token.bytes, offset);
      case 'name':
        return named(token.text, false, offset);
      case 'mark':
        return marked(token.text, offset);
      case 'quoted':
      case 'end':
        return fail(`expected a value, found ${describe(token)}`, offset);
    }
  }

  function marked(text: string, offset: number): Node {
    if (text === '(') {
      const node = expression();
      expect(')', 'to close the parenthesis');
      return node;
    }
    if (text === '[') {
      const elements = sequence(']', expression);
      return make({ kind: 'list', elements, offset }, elements);
    }
    if (text === '{') {
      const entries = sequence('}', entry);
      return make(
        { kind: 'map', entries, offset },
        entries.flatMap(({ key, value }) => [key, value]),
      );
    }
    if (text === '.' && peek().kind === 'name') return named(next().text, true, offset);
    return fail(`expected a value, found '${text}'`, offset);
  }

  function entry(): { readonly key: Node; readonly value: Node } {
    const key = expression();
    expect(':', 'after the key');
    return { key, value: expression() };
  }

  function named(name: string, absolute: boolean, offset: number): Node {
    if (!absolute && (name === 'true' || name === 'false')) return literal(name === 'true', offset);
    if (!absolute && name === 'null') return literal(null, offset);
    if (RESERVED.has(name)) return fail(`'${name}' is a reserved word and cannot be a name`, offset);
    if (!isMark('(')) return make({ kind: 'ident', name, absolute, offset }, []);
    const args = callArguments();
    const macro = buildMacro({ name, offset, receiver: null, args }, builder);
    return macro ?? make({ kind: 'call', name, receiver: false, args, offset }, args);
  }

  function literal(value: CelValue, offset: number): Node {
    return make({ kind: 'literal', value, offset }, []);
  }

  function numberNode(token: Token, sign: '' | '-', offset: number): Node {
    const read = readNumber(token, sign);
    return read.kind === 'number' ? literal(read.value, offset) : fail(read.message, offset);
  }

  return { whole, problem: () => problem };
}

function isBinary(token: Token, level: number): boolean {
  return (token.kind === 'mark' || token.kind === 'name') && BINARY.get(token.text) === level;
}

function isWord(name: string): boolean {
  return name === 'in' || name === 'true' || name === 'false' || name === 'null';
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'the end';
  return token.kind === 'string' || token.kind === 'bytes' ? 'a string' : `'${excerpt(token.text)}'`;
}

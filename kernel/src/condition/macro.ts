// has, all, exists, exists_one, map and filter look like calls but bind a name or look at a field without reading it;
// they are recognised while parsing, before anything could take their arguments for values.
import type { Builder, Loop, Node } from './syntax.ts';

interface Written {
  readonly name: string;
  readonly offset: number;
  readonly receiver: Node | null;
  readonly args: readonly Node[];
}

/** Arguments of each macro that follow the variable. */
const LOOPS: ReadonlyMap<string, { readonly macro: Loop['macro']; readonly arms: readonly number[] }> =
  new Map([
    ['all', { macro: 'all', arms: [1] }],
    ['exists', { macro: 'exists', arms: [1] }],
    ['exists_one', { macro: 'exists_one', arms: [1] }],
    ['existsOne', { macro: 'exists_one', arms: [1] }],
    ['filter', { macro: 'filter', arms: [1] }],
    ['map', { macro: 'map', arms: [1, 2] }],
  ] as const);

/** How each macro is written, for whoever wrote it differently. */
export const MACROS: ReadonlyMap<string, string> = new Map([
  ['has', 'has(parameters.branch)'],
  ['all', 'list.all(x, condition)'],
  ['exists', 'list.exists(x, condition)'],
  ['exists_one', 'list.exists_one(x, condition)'],
  ['existsOne', 'list.existsOne(x, condition)'],
  ['filter', 'list.filter(x, condition)'],
  ['map', 'list.map(x, result) or list.map(x, condition, result)'],
]);

/** The macro's node, or null where the call is an ordinary one. */
export function buildMacro(written: Written, builder: Builder): Node | null {
  if (written.receiver === null) return written.name === 'has' ? buildHas(written, builder) : null;
  const loop = LOOPS.get(written.name);
  const [variable, ...arms] = written.args;
  if (loop === undefined || variable === undefined || !loop.arms.includes(arms.length)) return null;
  if (variable.kind !== 'ident' || variable.absolute) {
    return builder.fail(
      `the first argument of ${written.name} names the variable: ${written.name}(x, …)`,
      variable.offset,
    );
  }
  const last = arms.at(-1) ?? null;
  const { macro } = loop;
  const test = macro === 'map' ? (arms.length === 2 ? (arms[0] ?? null) : null) : last;
  const result = macro === 'map' ? last : null;
  const { offset, receiver: range } = written;
  return builder.make({ kind: 'loop', macro, range, variable: variable.name, test, result, offset }, [
    range,
    ...arms,
  ]);
}

function buildHas(written: Written, builder: Builder): Node {
  const [field] = written.args;
  if (written.args.length !== 1 || field?.kind !== 'select') {
    return builder.fail('has takes one field: has(parameters.branch)', written.offset);
  }
  const { operand, field: name } = field;
  return builder.make({ kind: 'has', operand, field: name, offset: field.offset }, [operand]);
}

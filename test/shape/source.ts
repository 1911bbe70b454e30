// What the shape rules need to know of one source file: whom it imports and where it makes time or chance itself.
// Read from the syntax tree, because a regular expression misses `import('…')` types, re-exports and line breaks.
import { builtinModules } from 'node:module';
import { parseSync, visitorKeys } from 'oxc-parser';

export interface Import {
  /** As written: `../act.ts`, `node:fs/promises`, `@scope/name/sub`; null when it is computed at run time. */
  readonly specifier: string | null;
  /** What is taken of it, where it says so by name. */
  readonly names: readonly string[];
  readonly isType: boolean;
  readonly line: number;
}

interface Making {
  /** What makes time, chance or an id: `Date.now`, `new Date()`. */
  readonly what: string;
  readonly line: number;
}

export interface Source {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly makings: readonly Making[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** Everything that makes time, chance or ids; I10 leaves these to server/platform. */
const makers: Readonly<Record<string, readonly string[]>> = {
  Date: ['now'],
  Math: ['random'],
  performance: ['now'],
  process: ['hrtime'],
  crypto: ['randomUUID', 'getRandomValues'],
};
const cryptoMakers = new Set([
  'randomUUID',
  'randomBytes',
  'randomInt',
  'randomFill',
  'randomFillSync',
  'getRandomValues',
  'webcrypto',
]);

/** Reads one file. Throws when it is not TypeScript, so that a file nobody could check never counts as clean. */
export function readSource(path: string, text: string): Source {
  const { program, errors } = parseSync(path, text);
  const first = errors[0];
  if (first !== undefined)
    throw new Error(`${path} cannot be parsed: ${first.message}. Fix its syntax first.`);
  const lineOf = createLineOf(text);
  const imports: Import[] = [];
  const makings: Making[] = [];
  walk(program, (node) => {
    for (const { specifier, isType } of importsOf(node))
      imports.push({ specifier, names: namesOf(node), isType, line: lineOf(node.start) });
    for (const what of makingsOf(node)) makings.push({ what, line: lineOf(node.start) });
  });
  return { path, lines: text.replace(/\n$/, '').split('\n').length, imports, makings };
}

function importsOf(node: Node): readonly Pick<Import, 'specifier' | 'isType'>[] {
  switch (node.type) {
    case 'ImportDeclaration':
      return [
        {
          specifier: literal(node['source']),
          isType: node['importKind'] === 'type' || areTypes(node['specifiers'], 'importKind'),
        },
      ];
    case 'ExportAllDeclaration':
      return [{ specifier: literal(node['source']), isType: node['exportKind'] === 'type' }];
    case 'ExportNamedDeclaration':
      if (!isNode(node['source'])) return [];
      return [
        {
          specifier: literal(node['source']),
          isType: node['exportKind'] === 'type' || areTypes(node['specifiers'], 'exportKind'),
        },
      ];
    case 'TSImportType':
      return [{ specifier: literal(node['source']), isType: true }];
    case 'TSExternalModuleReference':
      return [{ specifier: literal(node['expression']), isType: false }];
    case 'ImportExpression':
      return [{ specifier: literal(node['source']), isType: false }];
    case 'CallExpression':
      return loaders.has(nameOf(node['callee']))
        ? [{ specifier: literal(listOf(node['arguments'])[0]), isType: false }]
        : [];
    case 'NewExpression':
      return fileUrl(node);
    default:
      return [];
  }
}

function namesOf(node: Node): readonly string[] {
  if (node.type === 'TSImportType') return [nameOf(node['qualifier'])].filter((name) => name !== '');
  return listOf(node['specifiers']).map(({ imported, local }) => nameOf(imported) || nameOf(local));
}

/** Ways to get at a module besides `import`. */
const loaders = new Set([
  'require',
  'require.resolve',
  'import.meta.resolve',
  'process.getBuiltinModule',
  'module.require',
]);

/** `new URL('./worker.ts', import.meta.url)` is how a worker or a child process names the file that it runs. */
function fileUrl(node: Node): ReturnType<typeof importsOf> {
  const [path, base] = listOf(node['arguments']);
  const specifier = literal(path);
  const isFile =
    nameOf(node['callee']) === 'URL' && specifier !== null && /^\.{1,2}\/.*\.[jt]s$/.test(specifier);
  return isFile && nameOf(base) === 'import.meta.url' ? [{ specifier, isType: false }] : [];
}

function makingsOf(node: Node): readonly string[] {
  switch (node.type) {
    case 'MemberExpression': {
      const path = nameOf(node).replace(/^globalThis\./, '');
      const [owner = '', name = ''] = path.split('.');
      return isMaker(owner, name) && path === `${owner}.${name}` ? [path] : [];
    }
    case 'NewExpression':
      return nameOf(node['callee']) === 'Date' && listOf(node['arguments']).length === 0
        ? ['new Date()']
        : [];
    case 'CallExpression':
      return nameOf(node['callee']) === 'Date' ? ['Date()'] : [];
    case 'VariableDeclarator': {
      const owner = nameOf(node['init']);
      return listOf(fieldOf(node['id'], 'properties')).flatMap((property) => {
        const name = nameOf(property['key']);
        return isMaker(owner, name) ? [`${owner}.${name}`] : [];
      });
    }
    case 'ImportDeclaration':
      if (!/^(node:)?crypto$/.test(literal(node['source']) ?? '')) return [];
      return listOf(node['specifiers']).flatMap((specifier) => {
        const name = nameOf(specifier['imported']);
        return cryptoMakers.has(name) ? [`${name} of node:crypto`] : [];
      });
    default:
      return [];
  }
}

function isMaker(owner: string, name: string): boolean {
  return Object.hasOwn(makers, owner) && (makers[owner] ?? []).includes(name);
}

/** `a.b.c` and `a['b'].c` as text; empty for anything that is not a plain path of names. */
function nameOf(value: unknown): string {
  if (!isNode(value)) return '';
  if (value.type === 'Identifier') return String(value['name']);
  if (value.type === 'MetaProperty') return 'import.meta';
  if (value.type === 'ChainExpression' || value.type === 'ParenthesizedExpression')
    return nameOf(value['expression']);
  if (value.type !== 'MemberExpression') return literal(value) ?? '';
  const owner = nameOf(value['object']);
  const name = value['computed'] === true ? literal(value['property']) : nameOf(value['property']);
  return owner === '' || name === null || name === '' ? '' : `${owner}.${name}`;
}

function areTypes(specifiers: unknown, kind: string): boolean {
  const list = listOf(specifiers);
  return list.length > 0 && list.every((specifier) => specifier[kind] === 'type');
}

function literal(value: unknown): string | null {
  if (!isNode(value)) return null;
  if (value.type === 'Literal' && typeof value['value'] === 'string') return value['value'];
  const quasis = value.type === 'TemplateLiteral' ? listOf(value['quasis']) : [];
  const cooked = quasis.length === 1 ? fieldOf(quasis[0], 'value') : null;
  return typeof cooked === 'object' &&
    cooked !== null &&
    'cooked' in cooked &&
    typeof cooked.cooked === 'string'
    ? cooked.cooked
    : null;
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  if (!isNode(value)) return;
  visit(value);
  for (const key of visitorKeys[value.type] ?? []) walk(value[key], visit);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function listOf(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return isNode(value) ? value[name] : undefined;
}

function createLineOf(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split('\n').length;
}

/** `node:fs/promises` → `node:fs`, `fs` → `node:fs`, `@a/b/c` → `@a/b`, `a/b` → `a`. */
export function packageOf(specifier: string): string {
  const bare = specifier.replace(/^node:/, '');
  const [first = '', second = ''] = bare.split('/');
  if (specifier.startsWith('node:') || builtinModules.includes(first)) return `node:${first}`;
  return first.startsWith('@') ? `${first}/${second}` : first;
}

// Which module a file belongs to, and how high it stands. One word per module, the same as in ARCHITECTURE.md.
import { posix } from 'node:path';
import type { Import } from './source.ts';
import { packageOf } from './source.ts';

/** Floors of the server whose folders are modules; everything else on its first level is one module. */
const floors = ['platform', 'decide', 'act', 'prove', 'detect', 'api'];
const packages: Readonly<Record<string, string>> = {
  '@mandate/kernel': 'kernel',
  '@mandate/sdk': 'sdk',
  mandate: 'server/index',
};

/** Named in the table where a module chooses at run time what it loads. */
export const COMPUTED = 'computed import';

/** `server/src/decide/trust/store.ts` → `server/decide/trust`; `kernel/src/condition/parse.ts` → `kernel`. */
export function moduleOf(path: string): string {
  const [workspace = '', , first = '', second = ''] = path.split('/');
  if (workspace !== 'server') return workspace;
  const floor = first.replace(/\.ts$/, '');
  return floors.includes(floor) && second !== ''
    ? `server/${floor}/${second.replace(/\.ts$/, '')}`
    : `server/${floor}`;
}

/** Whom an import reaches: a module of ours, a library, a part of Node. */
export function targetOf(path: string, { specifier }: Import): string {
  if (specifier === null) return COMPUTED;
  if (specifier.startsWith('.')) return moduleOf(posix.normalize(posix.join(posix.dirname(path), specifier)));
  const name = packageOf(specifier);
  return Object.hasOwn(packages, name) ? (packages[name] ?? name) : name;
}

export function floorOf(module: string): string {
  const [workspace = '', floor = ''] = module.split('/');
  return workspace === 'server' ? floor : workspace;
}

/** An import may only go down. null for libraries, which stand on no floor. */
export function heightOf(module: string): number | null {
  const isOurs = module.startsWith('server/') || !module.includes('/');
  const height = heights.findIndex((names) => names.includes(floorOf(module)));
  // Another file beside app.ts is a part of the composition root that got a name of its own.
  if (height < 0 && module.startsWith('server/')) return heights.findIndex((names) => names.includes('app'));
  return isOurs && height >= 0 ? height : null;
}

const heights: readonly (readonly string[])[] = [
  ['kernel'],
  ['sdk'],
  ['platform'],
  ['decide', 'act', 'prove', 'detect'],
  ['pipeline'],
  ['api', 'cli'],
  ['app'],
  ['main', 'index'],
];

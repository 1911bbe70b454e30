// All routes of the product as plain data, without a server: the factories only tie handlers to what they are handed,
// and no handler is called here.
import { globSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { root } from './page.ts';

export interface DocumentedRoute {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly permission: string;
  /** The schema of the body; null where the route takes none. */
  readonly body: Schema | null;
}

interface Schema {
  safeParse(value: unknown): { readonly success: boolean; readonly error?: { readonly message: string } };
}

/** Whatever a factory takes apart or asks for while it only builds its table. */
const nothing: unknown = new Proxy(() => nothing, { get: () => nothing });

export async function readRoutes(): Promise<readonly DocumentedRoute[]> {
  const files = globSync('server/src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] }).toSorted();
  const found = await Promise.all(files.map(readRoutesOf));
  return found.flat().toSorted((a, b) => compare(keyOf(a), keyOf(b)));
}

async function readRoutesOf(file: string): Promise<readonly DocumentedRoute[]> {
  const names = [...readFileSync(`${root}${file}`, 'utf8').matchAll(/^export function (\w+Routes)\(/gm)];
  if (names.length === 0) return [];
  const module: unknown = await import(pathToFileURL(`${root}${file}`).href);
  return names.flatMap(([, name = '']) => {
    const factory: unknown =
      typeof module === 'object' && module !== null ? Reflect.get(module, name) : undefined;
    if (typeof factory !== 'function') throw new Error(`${file} exports no ${name}`);
    const routes: unknown = Reflect.apply(factory, undefined, [nothing]);
    if (!Array.isArray(routes) || !routes.every(isRoute))
      throw new Error(`${name} of ${file} is no table of routes`);
    return routes;
  });
}

function isRoute(value: unknown): value is DocumentedRoute {
  return (
    typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'body' in value
  );
}

// Resources in alphabetical order, and within one by path: the order of files means nothing to a reader.
function keyOf({ path, method }: DocumentedRoute): string {
  return `${path} ${method}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

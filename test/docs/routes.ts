// All routes of the product as plain data, without a server: the factories only tie handlers to what they are handed,
// and no handler is called here.
import { globSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { root } from './page.ts';

const routeShape = z.looseObject({
  method: z.string(),
  path: z.string(),
  summary: z.string(),
  permission: z.string(),
  body: z.instanceof(z.ZodType).nullable(),
});

export type DocumentedRoute = z.infer<typeof routeShape>;

/** Whatever a factory takes apart or asks for while it only builds its table. */
const nothing: unknown = new Proxy(() => nothing, { get: () => nothing });

export async function readRoutes(): Promise<readonly DocumentedRoute[]> {
  const files = globSync('server/src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] }).toSorted();
  const found = await Promise.all(files.map(readRoutesOf));
  return found.flat();
}

async function readRoutesOf(file: string): Promise<readonly DocumentedRoute[]> {
  const names = [...readFileSync(`${root}${file}`, 'utf8').matchAll(/^export function (\w+Routes)\(/gm)];
  if (names.length === 0) return [];
  const module: unknown = await import(pathToFileURL(`${root}${file}`).href);
  return names.flatMap(([, name = '']) => {
    const factory: unknown =
      typeof module === 'object' && module !== null ? Reflect.get(module, name) : undefined;
    if (typeof factory !== 'function') throw new Error(`${file} exports no ${name}`);
    return z.array(routeShape).parse(Reflect.apply(factory, undefined, [nothing]));
  });
}

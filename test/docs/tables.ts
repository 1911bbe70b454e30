// The tables that the documentation repeats from the code, made of the code itself: a page that disagrees is told the
// whole table that should stand there.
import { readFileSync, writeFileSync } from 'node:fs';
import { PROBLEMS } from '../../server/src/platform/http/problems.ts';
import { PERMISSIONS, ROLES } from '../../server/src/platform/identity/roles.ts';
import type { Permission } from '../../server/src/platform/identity/roles.ts';
import { SETTINGS } from '../../server/src/platform/config/settings.ts';
import type { Setting } from '../../server/src/platform/config/setting.ts';
import { readPages, root } from './page.ts';
import { readinessTables } from './readiness.ts';
import { readRoutes } from './routes.ts';
import { unionOf } from './source.ts';

type Cells = readonly (readonly string[])[];

/** The header and the rows of every table that is repeated whole, by its name. */
export async function wholeTables(): Promise<Readonly<Record<string, Cells>>> {
  return {
    problems: problems(),
    settings: settings(),
    permissions: permissions(),
    routes: await routes(),
    ...readinessTables(),
  };
}

/** As it should stand in the page. */
export function renderTable([header = [], ...rows]: Cells): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.join(' | ')} |`.replaceAll(/\|  (?=\|)/g, '| ');
  return [line(header), `|${header.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function problems(): Cells {
  return [
    ['code', 'status', 'title', 'what to do'],
    ...Object.entries(PROBLEMS).map(([code, { status, title, next }]) => [
      `\`${code}\``,
      String(status),
      title,
      next,
    ]),
  ];
}

function settings(): Cells {
  return [
    ['variable', 'flag', 'default', 'meaning'],
    ...Object.values<Setting<string | number | null>>(SETTINGS).map(({ env, flag, fallback, about }) => [
      `\`${env}\``,
      flag === null ? '' : `\`--${flag}\``,
      typeof fallback === 'function' ? 'see below' : fallback === null ? '' : `\`${String(fallback)}\``,
      about,
    ]),
  ];
}

function permissions(): Cells {
  const names = unionOf('server/src/platform/identity/roles.ts', 'Permission');
  return [
    ['permission', ...ROLES],
    ...names.map((name) => [
      `\`${name}\``,
      ...ROLES.map((role) => (PERMISSIONS[role].has(name as Permission) ? '✓' : '')),
    ]),
  ];
}

async function routes(): Promise<Cells> {
  const all = await readRoutes();
  return [
    ['route', 'permission', 'what it does'],
    ...all.map(({ method, path, permission, summary }) => [
      `\`${method} ${path}\``,
      `\`${permission}\``,
      summary,
    ]),
  ];
}

/** `node --conditions=mandate-source test/docs/tables.ts` writes these tables into their pages; read the diff as a reviewer would. */
if (import.meta.main) {
  const written = await wholeTables();
  for (const { path, tables } of readPages()) {
    for (const { name, raw } of tables) {
      const cells = written[name];
      if (cells === undefined) continue;
      const file = `${root}${path}`;
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace(raw, () => renderTable(cells)),
      );
    }
  }
}

// The rules that keep the house in shape. Each answer names file and line and says what to do next.
import { COMPUTED, floorOf, heightOf, moduleOf, targetOf } from './module.ts';
import type { Import, Source } from './source.ts';
import type { Architecture, Permission } from './table.ts';
import { formatRow } from './table.ts';

const modules = ['decide', 'act', 'prove', 'detect'];
const mostLines = 350;
const manyLines = 300;
/** The sdk cannot reach server/platform; this one file asks the machine for it. */
const machineOfSdk = 'sdk/src/machine.ts';
const rewrite = 'node scripts/import-table.mjs --write';

interface Use {
  readonly source: Source;
  readonly use: Import;
  readonly module: string;
  readonly target: string;
}

/** What the sources use today, in the form of the table; modules and targets sorted. */
export function usedPermissions(sources: readonly Source[]): ReadonlyMap<string, readonly Permission[]> {
  const usesByModule = Map.groupBy(usesOf(sources), ({ module }) => module);
  const names = [...new Set(sources.map(({ path }) => moduleOf(path)))].toSorted(byHeight);
  return new Map(names.map((module) => [module, permissionsOf(usesByModule.get(module) ?? [])]));
}

function permissionsOf(uses: readonly Use[]): readonly Permission[] {
  const byTarget = Map.groupBy(uses, ({ target }) => target);
  return [...byTarget]
    .map(([target, all]) => ({ target, isType: all.every(({ use }) => use.isType) }))
    .toSorted((a, b) => byHeight(a.target, b.target));
}

function byHeight(a: string, b: string): number {
  const libraries = 99;
  return (heightOf(a) ?? libraries) - (heightOf(b) ?? libraries) || (a < b ? -1 : 1);
}

function usesOf(sources: readonly Source[]): readonly Use[] {
  return sources
    .flatMap((source) =>
      source.imports.map((use) => ({
        source,
        use,
        module: moduleOf(source.path),
        target: targetOf(source.path, use),
      })),
    )
    .filter(({ module, target }) => module !== target);
}

/** Imports that the table does not allow. */
export function forbiddenImports(
  sources: readonly Source[],
  { permissions }: Architecture,
): readonly string[] {
  const used = usedPermissions(sources);
  return usesOf(sources)
    .filter(
      ({ module, target, use }) =>
        !(permissions.get(module) ?? []).some(
          (allowed) => allowed.target === target && (use.isType || !allowed.isType),
        ),
    )
    .map(
      ({ source, use, module, target }) =>
        `${source.path}:${use.line} ${use.isType ? 'imports a type of' : 'imports'} ${target}, which ARCHITECTURE.md does not let ${module} know. ` +
        `If it should: make its row read ${formatRow(module, used.get(module) ?? [])} (or run ${rewrite}) and say in the commit why.`,
    );
}

/** Permissions and rows that nobody uses: a door left open is a door somebody walks through. */
export function unusedPermissions(
  sources: readonly Source[],
  { permissions }: Architecture,
): readonly string[] {
  const used = usedPermissions(sources);
  return [...permissions].flatMap(([module, allowed]) => {
    const uses = used.get(module);
    if (uses === undefined)
      return [
        `ARCHITECTURE.md has a row for ${module}, which has no sources. Remove the row, or run ${rewrite}.`,
      ];
    return allowed.flatMap(({ target, isType }) => {
      const use = uses.find((candidate) => candidate.target === target);
      if (use === undefined)
        return [
          `ARCHITECTURE.md lets ${module} know ${target}, which it does not use. Make its row read ${formatRow(module, uses)}, or run ${rewrite}.`,
        ];
      return use.isType && !isType
        ? [
            `ARCHITECTURE.md lets ${module} run ${target}, of which it only uses types. Make its row read ${formatRow(module, uses)}, or run ${rewrite}.`,
          ]
        : [];
    });
  });
}

/** What holds whatever the table says. */
export function brokenLaws(sources: readonly Source[]): readonly string[] {
  return usesOf(sources).flatMap(({ source, use, module, target }) => {
    const reason = lawAgainst(module, target);
    return reason === null ? [] : [`${source.path}:${use.line} imports ${target}. ${reason}`];
  });
}

function lawAgainst(module: string, target: string): string | null {
  const below = heightOf(target);
  if (module === 'kernel')
    return target === '@bufbuild/re2'
      ? null
      : 'The kernel is pure and imports only @bufbuild/re2: take what you need as an argument.';
  if (module === 'sdk')
    return target === 'kernel' || target === COMPUTED
      ? null
      : "The sdk runs in other people's programs and imports only the kernel: use fetch and structural types.";
  if (below === null) return null;
  if (modules.includes(floorOf(module)) && modules.includes(floorOf(target))) {
    return `Modules never import modules: take what you need as a function argument, write its type in ${module}, and let app.ts or pipeline.ts hand it over.`;
  }
  return below > (heightOf(module) ?? 0)
    ? `Imports only go down, and ${target} stands above ${module}: let app.ts hand over what is needed.`
    : null;
}

/** I10: time, chance and ids are made in server/platform and handed to everybody else. */
export function makersOutsidePlatform(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ path }) => floorOf(moduleOf(path)) !== 'platform' && path !== machineOfSdk)
    .flatMap(({ path, makings }) =>
      makings.map(
        ({ what, line }) =>
          `${path}:${line} uses ${what}; only server/platform makes time, chance and ids (I10). Take a clock, an id or a random source as an argument, so that tests can own it.`,
      ),
    );
}

/** Files too long to hold one idea, and exemptions that are no longer needed. */
export function longFiles(
  sources: readonly Source[],
  { tablesOfData }: Architecture,
): { readonly errors: readonly string[]; readonly warnings: readonly string[] } {
  const measured = sources.filter(({ path }) => !tablesOfData.includes(path));
  const tooLong = measured
    .filter(({ lines }) => lines > mostLines)
    .map(
      ({ path, lines }) =>
        `${path} has ${lines} lines, more than ${mostLines}. Split it along its ideas; if it is a table of data, list it in ARCHITECTURE.md under "Tables of data".`,
    );
  const needless = tablesOfData
    .filter((path) => (sources.find((source) => source.path === path)?.lines ?? 0) <= manyLines)
    .map(
      (path) =>
        `ARCHITECTURE.md lists ${path} under "Tables of data", but it is missing or has at most ${manyLines} lines. Remove that line.`,
    );
  const warnings = measured
    .filter(({ lines }) => lines > manyLines && lines <= mostLines)
    .map(({ path, lines }) => `${path} has ${lines} lines; about ${manyLines} is the limit.`);
  return { errors: [...tooLong, ...needless], warnings };
}

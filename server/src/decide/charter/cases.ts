// Cases lie beside the charter that they are about, in a file that is read as strictly as the charter: a case that is
// half understood would promise something that nobody looks at.
import { posix } from 'node:path';
import type { Law } from '@mandate/kernel';
import { runCase } from './case.ts';
import type { CaseResult } from './case.ts';
import { casesSchema } from './case-schema.ts';
import { renderPath, sortErrors } from './error.ts';
import type { CharterError, Place } from './error.ts';
import { shapeErrors } from './explain.ts';
import type { ReadFile } from './extends.ts';
import { loadCharter } from './load.ts';
import { parseYaml } from './parse.ts';

export interface CaseReport {
  readonly kind: 'tested';
  readonly version: string;
  readonly results: readonly PlacedResult[];
  readonly passed: number;
  readonly failed: number;
}

export interface PlacedResult extends CaseResult {
  /** Where the case is written. */
  readonly place: Place;
}

export interface RefusedCases {
  readonly kind: 'refused';
  /** Never empty; of the charter, or of files of cases. */
  readonly problems: readonly CharterError[];
}

export interface CasesNeeds {
  /** A charter, or a file of cases that names one. */
  readonly path: string;
  /** Files of cases, beside those that the charter names and the one next to it. */
  readonly caseFiles: readonly string[];
  readonly readFile: ReadFile;
  readonly readShipped: ReadFile;
}

const CASES = /\.cases\.ya?ml$/;

/** Runs every case of a charter: those of `NAME.cases.yaml` beside it, those that it names under `tests`, and those given. */
export async function testCharter(needs: CasesNeeds): Promise<CaseReport | RefusedCases> {
  const { path, readFile, readShipped } = needs;
  const isCases = CASES.test(path);
  const own = isCases ? await readCases(path, readFile) : null;
  if (own?.kind === 'refused') return own;
  const charterPath =
    own === null ? path : beside(path, own.charter ?? posix.basename(path).replace(CASES, '.yaml'));
  const loaded = await loadCharter({ path: charterPath, readFile, readShipped });
  if (loaded.kind === 'refused') return loaded;
  const files: CasesFile[] = own === null ? [] : [own];
  const problems: CharterError[] = [];
  for (const file of own === null ? await namedFiles(needs, loaded.tests) : needs.caseFiles) {
    const read = await readCases(file, readFile);
    if (read.kind === 'refused') problems.push(...read.problems);
    else files.push(read);
  }
  if (files.length === 0 && problems.length === 0) problems.push(nothingToTest(path));
  if (problems.length > 0) return { kind: 'refused', problems: sortErrors(problems, []) };
  return reportOf(
    loaded.version,
    files.flatMap((file) => runFile(loaded.law, file)),
  );
}

function reportOf(version: string, results: readonly PlacedResult[]): CaseReport {
  const passed = results.filter(({ ok }) => ok).length;
  return { kind: 'tested', version, results, passed, failed: results.length - passed };
}

function runFile(law: Law, { cases, places }: CasesFile): readonly PlacedResult[] {
  return cases.map((written, index) => ({
    ...runCase(law, written),
    place: places[index] ?? { file: '', line: 1, column: 1 },
  }));
}

async function namedFiles(
  { path, caseFiles, readFile }: CasesNeeds,
  tests: readonly string[],
): Promise<readonly string[]> {
  const neighbour = path.replace(/\.ya?ml$/, '.cases.yaml');
  const hasNeighbour = neighbour !== path && (await readFile(neighbour)) !== null;
  const named = [...tests.map((name) => beside(path, name)), ...caseFiles];
  return [...new Set(hasNeighbour ? [neighbour, ...named] : named)];
}

function beside(path: string, name: string): string {
  return posix.isAbsolute(name) ? name : posix.join(posix.dirname(path), name);
}

function nothingToTest(path: string): CharterError {
  const name = posix.basename(path).replace(/\.ya?ml$/, '.cases.yaml');
  const message = `There are no cases for this charter. Write ${name} beside it, or name files under tests.`;
  return { file: posix.basename(path), line: 1, column: 1, pointer: '', message };
}

interface CasesFile {
  readonly kind: 'cases';
  readonly charter: string | undefined;
  readonly cases: ReturnType<typeof casesSchema.parse>['cases'];
  readonly places: readonly Place[];
}

async function readCases(path: string, readFile: ReadFile): Promise<CasesFile | RefusedCases> {
  const file = posix.basename(path);
  const content = await readFile(path);
  if (content === null) {
    const message = 'This file of cases does not exist. Create it, or correct the path.';
    return { kind: 'refused', problems: [{ file, line: 1, column: 1, pointer: '', message }] };
  }
  const parsed = parseYaml(file, content);
  if (parsed.kind === 'refused') return { kind: 'refused', problems: parsed.errors };
  const { yaml } = parsed;
  const result = casesSchema.safeParse(yaml.value, { error: () => '' });
  if (!result.success)
    return {
      kind: 'refused',
      problems: sortErrors(shapeErrors(result.error.issues, yaml, casesSchema), [file]),
    };
  const { charter, cases } = result.data;
  const twice = repeatedNames(cases.map(({ name }) => name)).map((index) => {
    const at = ['cases', index, 'name'];
    const message = 'Another case has this name. Give each a name of its own, so that a failure is found.';
    return { ...yaml.placeOf(at), pointer: renderPath(at), message };
  });
  if (twice.length > 0) return { kind: 'refused', problems: twice };
  return { kind: 'cases', charter, cases, places: cases.map((_, index) => yaml.placeOf(['cases', index])) };
}

function repeatedNames(names: readonly string[]): readonly number[] {
  return names.flatMap((name, index) => (names.indexOf(name) < index ? [index] : []));
}

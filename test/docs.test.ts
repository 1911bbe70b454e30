// What the documentation shows must work: charters load, bodies fit their routes, commands and options exist, code
// compiles, links lead somewhere. A reader who copies an example and gets an error does not come back.
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { failuresOf, isCases, isCharter, problemsOf } from './docs/charters.ts';
import { commandLines, commandNames, lineProblem, loadProgram } from './docs/commands.ts';
import { evalProblems, isEval } from './docs/evals.ts';
import { readPage, readPages, root } from './docs/page.ts';
import type { Block, Page } from './docs/page.ts';
import { readRoutes } from './docs/routes.ts';
import { isTemplate, templateProblems } from './docs/templates.ts';
import { typeProblems } from './docs/types.ts';

const pages = readPages();
const blocksOf = (language: string): readonly Block[] =>
  pages.flatMap(({ blocks }) => blocks.filter((block) => block.language === language));

test('every charter in the documentation loads without a problem or a warning', async () => {
  const faults: string[] = [];
  for (const page of pages) {
    for (const block of page.blocks.filter((it) => isCharter(it) && it.notes['refused'] === undefined)) {
      faults.push(...(await problemsOf(block, page)).map((problem) => `${block.at}: ${problem}`));
    }
  }
  assert.deepEqual(faults, []);
});

test('every case in the documentation holds', async () => {
  const faults: string[] = [];
  for (const page of pages) {
    for (const block of page.blocks.filter(isCases))
      faults.push(...(await failuresOf(block, page)).map((failure) => `${block.at}: ${failure}`));
  }
  assert.deepEqual(faults, []);
});

test('every workflow template is one that is taken', () => {
  const templates = blocksOf('yaml').filter(isTemplate);
  assert.ok(templates.length > 0);
  assert.deepEqual(
    templates.flatMap((block) => templateProblems(block).map((problem) => `${block.at}: ${problem}`)),
    [],
  );
});

test('every eval set is one that is taken', () => {
  const sets = blocksOf('yaml').filter(isEval);
  assert.ok(sets.length > 0);
  assert.deepEqual(
    sets.flatMap((block) => evalProblems(block).map((problem) => `${block.at}: ${problem}`)),
    [],
  );
});

test('every YAML block is a whole charter', () => {
  assert.deepEqual(
    blocksOf('yaml')
      .filter((block) => !isCharter(block) && !isCases(block) && !isTemplate(block) && !isEval(block))
      .map(({ at }) => at),
    [],
    'Write version: 1 and make it one that loads; a fragment cannot be tested',
  );
});

test('a charter that is shown for its mistakes is refused in exactly the words that are shown', async () => {
  let shown = 0;
  for (const page of pages) {
    for (const [index, block] of page.blocks.entries()) {
      if (block.notes['refused'] === undefined) continue;
      shown += 1;
      assert.equal(page.blocks[index + 1]?.text, (await problemsOf(block, page)).join('\n'), block.at);
    }
  }
  assert.ok(shown > 0);
});

test('every JSON block parses', () => {
  const faults = blocksOf('json').flatMap(({ at, text }) => {
    try {
      JSON.parse(text);
      return [];
    } catch (error) {
      return [`${at}: ${error instanceof Error ? error.message : 'cannot be parsed'}`];
    }
  });
  assert.deepEqual(faults, []);
});

test('every request body that is shown fits the schema of its route', async () => {
  const routes = await readRoutes();
  let checked = 0;
  for (const { at, text, notes } of pages.flatMap(({ blocks }) => blocks)) {
    if (notes['request'] === undefined) continue;
    const route = routes.find(({ method, path }) => `${method} ${path}` === notes['request']);
    assert.ok(route !== undefined, `${at}: there is no route ${notes['request']}`);
    assert.ok(route.body !== null, `${at}: ${notes['request']} takes no body`);
    const parsed = route.body.safeParse(JSON.parse(text));
    assert.ok(parsed.success, `${at} does not fit ${notes['request']}: ${parsed.error?.message ?? ''}`);
    checked += 1;
  }
  assert.ok(checked > 5);
});

test('every command that is typed in the documentation exists, with its options', async () => {
  const program = await loadProgram();
  const faults = blocksOf('sh').flatMap(({ at, text }) =>
    commandLines(text).flatMap((words) => {
      const problem = lineProblem(program, words);
      return problem === null ? [] : [`${at}: npx mandate ${words.join(' ')}: ${problem}`];
    }),
  );
  assert.deepEqual(faults, []);
});

test('every command of the product has its line in docs/cli.md', async () => {
  const known = commandNames(await loadProgram());
  const { text } = readPage('docs/cli.md');
  assert.deepEqual(
    known.filter((name) => !text.includes(`mandate ${name}`)),
    [],
  );
});

test('every TypeScript block compiles against the packages it imports', () => {
  assert.deepEqual(typeProblems(blocksOf('ts')), []);
});

test('every link leads to a file that exists, and to a heading that it has', () => {
  const more = ['ARCHITECTURE.md', 'GUARANTEES.md', 'CONTRIBUTING.md'].map(readPage);
  const known = new Map([...pages, ...more].map((page) => [page.path, page]));
  const faults = [...known.values()].flatMap((page) =>
    page.links.flatMap(({ at, target }) => {
      const problem = linkProblem(page, target, known);
      return problem === null ? [] : [`${at}: ${problem}`];
    }),
  );
  assert.deepEqual(faults, []);
});

function linkProblem(page: Page, target: string, known: ReadonlyMap<string, Page>): string | null {
  if (/^[a-z]+:/.test(target)) return null;
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
  if (!existsSync(join(root, path))) return `${target} does not exist`;
  if (anchor === undefined) return null;
  const to =
    known.get(path) ?? (path.endsWith('.md') && statSync(join(root, path)).isFile() ? readPage(path) : null);
  return to?.anchors.has(anchor) === true ? null : `${path} has no heading #${anchor}`;
}

test('every page of docs/ is in its index', () => {
  const index = readPage('docs/README.md');
  const linked = new Set(index.links.map(({ target }) => `docs/${target.split('#')[0] ?? ''}`));
  assert.deepEqual(
    pages
      .map(({ path }) => path)
      .filter((path) => path.startsWith('docs/') && path !== index.path && !linked.has(path)),
    [],
  );
});

// Loads the charters of a page as the product would: through the loader, with the shipped charters at hand and with
// the blocks that the page itself names as files.
import { shippedCharters } from '../../server/src/decide/charter/disk.ts';
import { renderError } from '../../server/src/decide/charter/error.ts';
import { testCharter } from '../../server/src/decide/charter/cases.ts';
import { loadCharter } from '../../server/src/decide/charter/load.ts';
import type { Block, Page } from './page.ts';

export function isCharter({ language, text }: Block): boolean {
  return language === 'yaml' && /^version: 1$/m.test(text);
}

/** A file of cases, with the name of the charter's block: <!-- cases: charter.yaml -->. */
export function isCases({ notes }: Block): boolean {
  return notes['cases'] !== undefined;
}

/** What does not hold in a block of cases, as people read it. */
export async function failuresOf(block: Block, page: Page): Promise<readonly string[]> {
  const files = new Map(
    page.blocks.flatMap(({ notes, text }) => (notes['file'] === undefined ? [] : [[notes['file'], text]])),
  );
  const done = await testCharter({
    path: block.notes['cases'] ?? '',
    caseFiles: ['shown.cases.yaml'],
    readFile: async (file) => (file === 'shown.cases.yaml' ? block.text : (files.get(file) ?? null)),
    readShipped: shippedCharters,
  });
  if (done.kind === 'refused') return done.problems.map(renderError);
  return done.results.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
}

/** Every mistake and warning of a charter block, as people read them. */
export async function problemsOf(block: Block, page: Page): Promise<readonly string[]> {
  const path = block.notes['file'] ?? 'charter.yaml';
  const texts = new Map(
    page.blocks.flatMap(({ notes, text }) => (notes['file'] === undefined ? [] : [[notes['file'], text]])),
  );
  texts.set(path, block.text);
  const loaded = await loadCharter({
    path,
    readFile: async (file) => texts.get(file) ?? null,
    readShipped: shippedCharters,
  });
  return (loaded.kind === 'refused' ? loaded.problems : loaded.warnings).map(renderError);
}

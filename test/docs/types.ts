// Type-checks the TypeScript of the pages as a user's compiler would: each block is a module of its own, which imports
// the packages by their names. What a block takes for granted stands in a comment above it: <!-- given: declare … -->.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './page.ts';
import type { Block } from './page.ts';

/** What the compiler says, with the block's place for the file's name. */
export function typeProblems(blocks: readonly Block[]): readonly string[] {
  // Inside the repository, or the packages would not be found; git and the checks ignore this folder.
  const home = join(root, '.data');
  mkdirSync(home, { recursive: true });
  const folder = mkdtempSync(join(home, 'docs-'));
  try {
    for (const [index, { text, notes }] of blocks.entries()) {
      // On one line with the block's first, so that line numbers fit.
      writeFileSync(join(folder, `block-${index}.ts`), `${notes['given'] ?? ''} ${text}\nexport {};\n`);
    }
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
    const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'], exclude: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'],
      { encoding: 'utf8', cwd: root },
    );
    if (tsc.error !== undefined) throw tsc.error;
    const said = `${tsc.stdout}${tsc.stderr}`.split('\n').filter((line) => line.includes('error'));
    if (tsc.status !== 0 && said.length === 0) throw new Error(`tsc failed and said nothing: ${tsc.stdout}`);
    return said.map((line) =>
      line.replace(/\S*block-(\d+)\.ts/, (_name, index: string) => blocks[Number(index)]?.at ?? index),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

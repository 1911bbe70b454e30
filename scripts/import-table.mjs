// Prints the import table that the sources deserve today; with --write it goes into ARCHITECTURE.md. The diff is
// what a reviewer looks at: every new line is one more thing that a module knows.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { handOver, isNode24 } from '../server/bin/node24.mjs';

if (!isNode24()) handOver([fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
else {
  const { usedPermissions } = await import('../test/shape/rules.ts');
  const { readArchitecture, readSources } = await import('../test/shape/sources.ts');
  const { formatRow, withTable } = await import('../test/shape/table.ts');
  const permissions = usedPermissions(readSources());
  if (process.argv.includes('--write')) {
    writeFileSync(new URL('../ARCHITECTURE.md', import.meta.url), withTable(readArchitecture(), permissions));
    process.stdout.write(
      'ARCHITECTURE.md has the table of today. Read the diff: every new line needs a reason.\n',
    );
  } else {
    process.stdout.write(
      `${[...permissions].map(([module, allowed]) => formatRow(module, allowed)).join('\n')}\n`,
    );
  }
}

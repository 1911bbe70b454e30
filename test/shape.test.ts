// Keeps the house in shape: who may know whom as ARCHITECTURE.md says it, time and chance in one place (I10), files
// of one idea. The second half plants violations into a house of virtual files and sees each of them found.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { circles } from './shape/circles.ts';
import {
  brokenLaws,
  forbiddenImports,
  longFiles,
  makersOutsidePlatform,
  unusedPermissions,
  usedPermissions,
} from './shape/rules.ts';
import type { Source } from './shape/source.ts';
import { readSource } from './shape/source.ts';
import { readArchitecture, readSources } from './shape/sources.ts';
import { parseArchitecture, withTable } from './shape/table.ts';

const sources = readSources();
const architecture = parseArchitecture(readArchitecture());

function assertNone(messages: readonly string[]): void {
  if (messages.length > 0) assert.fail(`${messages.length} found:\n${messages.join('\n')}`);
}

describe('this house', () => {
  test('no module imports what ARCHITECTURE.md does not allow it', () =>
    assertNone(forbiddenImports(sources, architecture)));
  test('ARCHITECTURE.md allows nothing that nobody uses', () =>
    assertNone(unusedPermissions(sources, architecture)));
  test('modules never import modules, the kernel stays pure, imports only go down', () =>
    assertNone(brokenLaws(sources)));
  test('no files import one another in a circle, not even for a type', () => assertNone(circles(sources)));
  test('only server/platform makes time, chance and ids', () => assertNone(makersOutsidePlatform(sources))); // I10
  test('a file holds one idea', (t) => {
    const { errors, warnings } = longFiles(sources, architecture);
    for (const warning of warnings) t.diagnostic(warning);
    assertNone(errors);
  });
});

/** A house of virtual files. */
function house(files: Readonly<Record<string, string>>): readonly Source[] {
  return Object.entries(files).map(([path, text]) => readSource(path, text));
}

function table(...rows: readonly string[]): ReturnType<typeof parseArchitecture> {
  return parseArchitecture(
    ['| module | may know |', '|---|---|', ...rows, '', 'Tables of data', '- `kernel/src/table.ts`'].join(
      '\n',
    ),
  );
}

const file = 'server/src/decide/trust/trust.ts';

describe('a house with a planted fault', () => {
  const ways: readonly (readonly [string, string])[] = [
    ['a static import', `\nimport { a } from '../../act/actions/act.ts';`],
    ['an import for its effect', `\nimport '../../act/actions/act.ts';`],
    ['a type-only import', `\nimport type { A } from '../../act/actions/act.ts';`],
    ['a type written in place', `\nexport type A = import('../../act/actions/act.ts').A;`],
    ['a re-export', `\nexport { a } from '../../act/actions/act.ts';`],
    ['a re-export of everything', `\nexport * from '../../act/actions/act.ts';`],
    ['a dynamic import', `\nconst a = await import('../../act/actions/act.ts');`],
    ['a dynamic import of a template', '\nconst a = await import(`../../act/actions/act.ts`);'],
    ['require', `\nconst a = require('../../act/actions/act.ts');`],
    ['import equals', `\nimport a = require('../../act/actions/act.ts');`],
    ['a worker', `\nnew Worker(new URL('../../act/actions/act.ts', import.meta.url));`],
  ];

  test('a forbidden import is found whatever way it is written, with file and line', () => {
    for (const [way, text] of ways) {
      const [message = 'nothing found', ...more] = forbiddenImports(house({ [file]: text }), table());
      assert.match(
        message,
        /^server\/src\/decide\/trust\/trust\.ts:2 imports .*server\/act\/actions.*make its row read \| `server\/decide\/trust` \| `server\/act\/actions`/,
        way,
      );
      assert.deepEqual(more, [], way);
    }
  });

  test('a module that imports a module is found even when the table allows it', () => {
    for (const [way, text] of ways) {
      assert.match(
        brokenLaws(house({ [file]: text })).join(),
        /trust\.ts:2 .*Modules never import modules/,
        way,
      );
    }
  });

  test('a permission nobody uses is found, and so is a row without sources', () => {
    const messages = unusedPermissions(
      house({ [file]: '' }),
      table('| `server/decide/trust` | `zod` |', '| `server/act/gone` | nothing |'),
    );
    assert.match(
      messages[0] ?? '',
      /know zod, which it does not use. Make its row read \| `server\/decide\/trust` \| nothing \|/,
    );
    assert.match(messages[1] ?? '', /row for server\/act\/gone, which has no sources/);
  });

  test('a permission for types does not allow to run', () => {
    const rows = table('| `server/decide/trust` | `zod` (types) |');
    assert.deepEqual(forbiddenImports(house({ [file]: `import type { A } from 'zod';` }), rows), []);
    assert.equal(forbiddenImports(house({ [file]: `import { a } from 'zod';` }), rows).length, 1);
  });

  test('a permission to run is too much where only types are used', () => {
    const rows = table('| `server/decide/trust` | `zod` |');
    assert.match(
      unusedPermissions(house({ [file]: `import { type A } from 'zod';` }), rows).join(),
      /only uses types/,
    );
  });

  test('parts of Node and computed imports need a permission by name', () => {
    const text = `import { spawn } from 'child_process'; import 'node:fs/promises'; await import(name); process.getBuiltinModule('node:net');`;
    const [row] = usedPermissions(house({ [file]: text })).values();
    assert.deepEqual(
      row?.map(({ target }) => target),
      ['computed import', 'node:child_process', 'node:fs', 'node:net'],
    );
  });

  test('the kernel imports one library and nothing else', () => {
    assert.deepEqual(
      brokenLaws(
        house({ 'kernel/src/condition/match.ts': `import { RE2 } from '@bufbuild/re2'; import './a.ts';` }),
      ),
      [],
    );
    for (const name of ['node:crypto', 'zod', '@bufbuild/cel', '../../../sdk/src/a.ts']) {
      assert.equal(
        brokenLaws(house({ 'kernel/src/condition/match.ts': `import '${name}';` })).length,
        1,
        name,
      );
    }
  });

  test('imports only go down', () => {
    assert.match(
      brokenLaws(house({ 'server/src/platform/log/log.ts': `import '../../pipeline.ts';` })).join(),
      /stands above/,
    );
    assert.match(brokenLaws(house({ [file]: `import '../../api/http/http.ts';` })).join(), /stands above/);
    assert.deepEqual(
      brokenLaws(
        house({ 'server/src/app.ts': `import './decide/trust/trust.ts'; import '@mandate/kernel';` }),
      ),
      [],
    );
  });

  test('a circle of files is found whatever ties it, once, and told with what does', () => {
    const back = 'server/src/decide/trust/act.ts';
    for (const [way, text] of ways) {
      const planted = house({
        [file]: text.replaceAll('../../act/actions/act.ts', './act.ts'),
        [back]: `export { b as c } from './trust.ts';`,
        'server/src/decide/trust/outside.ts': `import './trust.ts';`,
      });
      const [message = 'nothing found', ...more] = circles(planted);
      assert.match(
        message,
        /^server\/src\/decide\/trust\/trust\.ts → .*act\.ts → .*trust\.ts is a circle:\n  .*trust\.ts:2 imports .* of .*act\.ts\n  .*act\.ts:1 imports b of .*trust\.ts\n.*file of its own/,
        way,
      );
      assert.deepEqual(more, [], way);
    }
    assert.match(
      circles(
        house({
          'kernel/src/a.ts': `import type { B } from './b.ts';`,
          'kernel/src/b.ts': `import { c } from './part/c.ts';`,
          'kernel/src/part/c.ts': `\nimport { type A, type Z } from '../a.ts';`,
        }),
      ).join(),
      /c\.ts:2 imports the types A, Z of kernel\/src\/a\.ts/,
    );
    assert.deepEqual(
      circles(
        house({
          'kernel/src/a.ts': `import './b.ts';`,
          'kernel/src/b.ts': '',
          'kernel/src/c.ts': `import './a.ts'; import './b.ts';`,
        }),
      ),
      [],
    );
  });

  test('time, chance and ids made outside the platform are found', () => {
    const makers = [
      'Date.now()',
      'new Date()',
      'Date()',
      'Math.random()',
      'crypto.randomUUID()',
      'globalThis.crypto.randomUUID()',
      `Date['now']()`,
      'performance.now()',
      'process.hrtime.bigint()',
      '({ now: Date.now })',
      'const { now } = Date',
      `import { randomUUID } from 'node:crypto'`,
      `import { randomBytes as bytes } from 'crypto'`,
    ];
    for (const maker of makers) {
      assert.equal(makersOutsidePlatform(house({ [file]: maker })).length, 1, maker);
      assert.equal(
        makersOutsidePlatform(house({ 'server/src/platform/clock/clock.ts': maker })).length,
        0,
        maker,
      );
      assert.equal(makersOutsidePlatform(house({ 'sdk/src/wait.ts': maker })).length, 1, maker);
      assert.equal(makersOutsidePlatform(house({ 'sdk/src/machine.ts': maker })).length, 0, maker);
    }
    assert.deepEqual(
      makersOutsidePlatform(
        house({
          [file]: `new Date(nowMs); Date.parse(text); import { createHash } from 'node:crypto'; // Date.now()`,
        }),
      ),
      [],
    );
  });

  test('a long file fails unless it is a table of data, and a needless exemption fails too', () => {
    const long = 'const a = 1;\n'.repeat(351);
    assert.match(
      longFiles(house({ [file]: long, 'kernel/src/table.ts': long }), table()).errors.join(),
      /^server.*351 lines.*Split it/,
    );
    assert.match(longFiles(house({}), table()).errors.join(), /kernel\/src\/table\.ts.*Remove that line/);
    assert.equal(
      longFiles(house({ [file]: 'const a = 1;\n'.repeat(301), 'kernel/src/table.ts': long }), table())
        .warnings.length,
      1,
    );
  });

  test('a row that cannot be read is an error, not an empty permission', () => {
    assert.throws(() => table('| `server/decide/trust` | zod |'), /ARCHITECTURE\.md:3: expected/);
    assert.throws(() => table('| server/decide/trust | `zod` |'), /ARCHITECTURE\.md:3: expected/);
    assert.throws(() => table('| `a` | nothing |', '| `a` | nothing |'), /has a row already/);
    assert.throws(() => parseArchitecture('nothing here'), /has no table/);
  });

  test('a file that cannot be parsed never counts as clean', () => {
    assert.throws(() => house({ [file]: 'import from from' }), /cannot be parsed/);
  });

  test('the table written for a house is the table that the house passes', () => {
    const built = house({
      [file]: `import 'zod'; import type { A } from 'kernel';`,
      'server/src/app.ts': `import './decide/trust/trust.ts';`,
    });
    const text = withTable(
      '| module | may know |\n|---|---|\n| `old` | nothing |\n\nafter',
      usedPermissions(built),
    );
    assert.deepEqual(
      [
        ...forbiddenImports(built, parseArchitecture(text)),
        ...unusedPermissions(built, parseArchitecture(text)),
      ],
      [],
    );
    assert.match(text, /\n\nafter$/);
  });
});

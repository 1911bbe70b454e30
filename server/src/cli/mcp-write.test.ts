import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propose } from './mcp-propose.ts';
import { addToCharter, snippetOf } from './mcp-write.ts';
import type { Addition } from './mcp-write.ts';

const addition: Addition = {
  name: 'files',
  server: ['server', './work'],
  proposals: [
    propose('files', {
      name: 'read_file',
      annotations: { readOnlyHint: true },
      inputSchema: { properties: { path: { type: 'string' } } },
    }),
    propose('files', { name: 'write_file' }),
    propose('files', { name: 'odd name' }),
  ],
};

function textOf(charter: string | null): string {
  const written = addToCharter(charter, addition);
  return written.kind === 'written' ? written.text : assert.fail(written.why);
}

function refusalOf(charter: string): string {
  const written = addToCharter(charter, addition);
  return written.kind === 'refused' ? written.why : assert.fail(written.text);
}

test('a charter keeps its comments and its order, and gains the server, its actions and their tiers', () => {
  const text = textOf(
    '# ours\nversion: 1 # one\ntiers:\n  green: { actions: [test.run] } # tests\nactions: # none yet\n',
  );
  assert.equal(
    text,
    `# ours
version: 1 # one
tiers:
  green: { actions: [ test.run, files.read_file ] } # tests
  red:
    actions:
      - files.write_file
actions:
  # none yet
  files.read_file: { severity: low, paths: [ path ] }
  files.write_file: { severity: high }
executors:
  files: { mcp: [ server, ./work ] }
`,
  );
});

test('without a charter one is made that extends the shipped rules', () => {
  assert.match(textOf(null), /^version: 1\nextends: default\nexecutors:\n/);
  assert.match(snippetOf(addition), /^executors:\n {2}files: \{ mcp: \[ server, \.\/work \] \}\n/);
});

test('what a charter says already stays when it is stricter, and is refused when it is wider', () => {
  const stricter = textOf(
    'version: 1\ntiers: { black: { actions: [{ match: files.read_file }] } }\nactions: { files.write_file: { severity: critical } }\n',
  );
  assert.doesNotMatch(stricter, /green/);
  assert.match(stricter, /severity: critical/);
  assert.match(
    refusalOf('version: 1\ntiers: { yellow: { actions: [files.write_file] } }\n'),
    /files\.write_file as yellow.*wider/,
  );
  assert.match(
    refusalOf(
      'version: 1\ntiers: { red: { actions: [files.write_file] }, green: { actions: [files.write_file] } }\n',
    ),
    /wider/,
  );
});

test('a charter that cannot take it is left alone, with the reason', () => {
  assert.match(refusalOf('version: 1\nexecutors: { files: { mcp: [x] } }\n'), /already/);
  assert.match(refusalOf('version: 1\ntiers: [green]\n'), /tiers is no map/);
  assert.match(refusalOf('just text'), /no map/);
  assert.match(refusalOf('a: [\n'), /no YAML/);
});

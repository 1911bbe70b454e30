import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propose } from './mcp-propose.ts';

const reads = { readOnlyHint: true };

test('a tier is proposed from the name and the hints, and is red where they disagree or say nothing', () => {
  const cases = [
    ['read_file', reads, 'green'],
    ['listPullRequests', reads, 'green'],
    ['search', undefined, 'yellow'],
    ['fetch', { readOnlyHint: true, openWorldHint: true }, 'yellow'],
    ['create_issue', { destructiveHint: false }, 'yellow'],
    ['write_file', undefined, 'red'],
    ['write_file', reads, 'red'],
    ['get_user', { readOnlyHint: false }, 'red'],
    ['delete_user', reads, 'red'],
    ['get_and_delete', reads, 'red'],
    ['runQuery', reads, 'red'],
    ['frobnicate', reads, 'red'],
    ['', reads, 'red'],
  ] as const;
  assert.deepEqual(
    cases.map(([name, annotations]) => propose('x', { name, annotations }).tier),
    cases.map(([, , tier]) => tier),
  );
});

test('parameters that look like paths, and the content that goes there, are named', () => {
  const properties = {
    path: { type: 'string' },
    targetFile: { type: 'string' },
    content: { type: 'string' },
    profile: { type: 'string' },
    file: { type: 'number' },
  };
  const { paths, diff } = propose('files', { name: 'write_file', inputSchema: { properties } });
  assert.deepEqual({ paths, diff }, { paths: ['path', 'targetFile'], diff: 'content' });
});

test('a tool whose name no charter can spell has no action', () => {
  assert.equal(propose('x', { name: 'read file' }).action, null);
  assert.equal(propose('x', { name: 'a.b-c_d' }).action, 'x.a.b-c_d');
});

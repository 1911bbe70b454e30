import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readMessage } from './message.ts';

test('a request, a notification and an answer are told apart', () => {
  const kinds = [
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":"a","method":"ping","params":{}}',
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    '{"jsonrpc":"2.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}',
  ].map((text) => readMessage(text).kind);
  assert.deepEqual(kinds, ['request', 'request', 'notification', 'response', 'response']);
});

test('what could be read in two ways, or not at all, is refused with its code', () => {
  const codes = [
    '',
    'nonsense',
    '[{"jsonrpc":"2.0","id":1,"method":"tools/call"}]',
    '{"id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":null,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":7}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}',
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call"}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Arguments":{}}}',
  ].map((text) => {
    const message = readMessage(text);
    return message.kind === 'bad' ? message.code : message.kind;
  });
  assert.deepEqual(
    codes,
    [
      -32_700, -32_700, -32_600, -32_600, -32_600, -32_600, -32_602, -32_600, -32_600, -32_700, -32_600,
      -32_600,
    ],
  );
});

test('no text whatever makes reading throw, and what is no tools/call is never taken for one', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc
          .jsonValue()
          .map((params) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params })),
      ),
      (text) => {
        const message = readMessage(text);
        return message.kind !== 'request' || message.method !== 'tools/call';
      },
    ),
  );
});

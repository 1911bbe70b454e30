import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOffers } from './offers.ts';

test('a path names the methods that work there, whoever mounted them', () => {
  const offers = createOffers();
  offers.add('GET', '/things/:id');
  offers.add(['POST', 'DELETE'], '/things/:id');
  offers.add('GET', '/things/special');
  offers.add('GET', '/files/*');
  offers.add('GET', '/');
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['/things/1', ['DELETE', 'GET', 'POST']],
    ['/things/1?x=/', ['DELETE', 'GET', 'POST']],
    ['/things/1/', ['DELETE', 'GET', 'POST']],
    ['/things/', []],
    ['/things', []],
    ['/things/1/2', []],
    ['//things/1', []],
    ['/files/a/b', ['GET']],
    ['/', ['GET']],
    ['', []],
  ];
  for (const [path, methods] of rows) assert.deepEqual(offers.methodsAt(path), methods, path);
});

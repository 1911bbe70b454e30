// The tree hash against the vectors that Certificate Transparency's own tests use, and against the definition.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { growMerkleTree } from './merkle.ts';

const sha256 = (data: Uint8Array): Uint8Array => createHash('sha256').update(data).digest();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function rootOf(leaves: readonly Uint8Array[]): string {
  const tree = growMerkleTree(sha256);
  for (const leaf of leaves) tree.add(leaf);
  assert.equal(tree.size(), leaves.length);
  return hex(tree.root());
}

// https://github.com/google/certificate-transparency/blob/master/cpp/merkletree/merkle_tree_test.cc
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('the tree of every size has the hash that Certificate Transparency has for it', () => {
  const leaves = LEAVES.map((leaf) => Buffer.from(leaf, 'hex'));
  assert.deepEqual(
    ROOTS.map((_, size) => rootOf(leaves.slice(0, size))),
    ROOTS,
  );
});

test('a tree that grew entry by entry is the one that RFC 6962 defines from above', () => {
  const defined = (leaves: readonly Uint8Array[]): Uint8Array => {
    const [only] = leaves;
    if (only === undefined) return sha256(Buffer.alloc(0));
    if (leaves.length === 1) return sha256(Buffer.concat([Buffer.of(0), only]));
    let split = 1;
    while (split * 2 < leaves.length) split *= 2;
    return sha256(
      Buffer.concat([Buffer.of(1), defined(leaves.slice(0, split)), defined(leaves.slice(split))]),
    );
  };
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 }), (leaves) => {
      assert.equal(rootOf(leaves), hex(defined(leaves)));
    }),
    { numRuns: 60 },
  );
});

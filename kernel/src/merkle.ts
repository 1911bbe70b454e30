// One hash over a list that grows: who has it knows every entry and their order, and a tree of it can later prove one
// entry without showing the others. The tree of RFC 6962 (section 2.1), as Certificate Transparency uses it.

/** SHA-256 over bytes, handed in: the kernel has no cryptography of its own. */
export type Sha256 = (data: Uint8Array) => Uint8Array;

export interface MerkleTree {
  /** Appends one entry: the bytes themselves, not their hash. */
  add(leaf: Uint8Array): void;
  /** How many entries it has. */
  size(): number;
  /** Merkle Tree Hash over all entries so far, 32 bytes; the hash of nothing for none. */
  root(): Uint8Array;
}

/** Leaves and nodes are hashed under different prefixes, so that no node can be passed off as a leaf. */
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** An empty tree. It keeps one hash for each bit of its size, however many entries pass through it. */
export function growMerkleTree(sha256: Sha256): MerkleTree {
  // Roots of the complete subtrees, largest first: one for each bit that is set in `size`.
  const subtrees: Uint8Array[] = [];
  let size = 0;

  const join = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(NODE, left, right));

  return {
    add(leaf) {
      let node = sha256(concat(LEAF, leaf));
      for (let bit = size; bit % 2 === 1; bit = Math.floor(bit / 2)) {
        const left = subtrees.pop();
        if (left !== undefined) node = join(left, node);
      }
      subtrees.push(node);
      size += 1;
    },
    size: () => size,
    root: () =>
      subtrees.length === 0
        ? sha256(new Uint8Array())
        : subtrees.reduceRight((right, left) => join(left, right)),
  };
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

// An executor may print without end. A capture keeps the first and the last part in fixed memory and counts the rest,
// because a failure is explained either by how it began or by how it ended.

export interface Capture {
  add(chunk: Uint8Array): void;
  /** All bytes seen, kept or not. */
  readonly seenBytes: () => number;
  /** Everything that was printed, or null when something had to be left out. */
  whole(): string | null;
  /** First and last part with a note between them; invalid UTF-8 becomes U+FFFD. */
  text(): string;
  /** The last characters, for error texts. */
  tail(maxChars: number): string;
}

/** Keeps at most `maxBytes`: half from the start and half, in a ring, from the end. */
export function createCapture(maxBytes: number): Capture {
  const headLimit = Math.ceil(maxBytes / 2);
  const ringSize = maxBytes - headLimit;
  let head: Buffer | null = null;
  let headBytes = 0;
  let ring: Buffer | null = null;
  let ringSeen = 0;

  function addToRing(chunk: Uint8Array): void {
    ring ??= Buffer.alloc(ringSize);
    // Of a chunk larger than the ring only its end can survive.
    const skipped = Math.max(0, chunk.length - ringSize);
    ringSeen += skipped;
    for (let from = skipped; from < chunk.length;) {
      const at = ringSeen % ringSize;
      const length = Math.min(ringSize - at, chunk.length - from);
      ring.set(chunk.subarray(from, from + length), at);
      from += length;
      ringSeen += length;
    }
  }

  function ringBytes(): Buffer {
    if (ring === null) return Buffer.alloc(0);
    if (ringSeen <= ringSize) return ring.subarray(0, ringSeen);
    const at = ringSeen % ringSize;
    return Buffer.concat([ring.subarray(at), ring.subarray(0, at)]);
  }

  const headPart = (): Buffer => (head === null ? Buffer.alloc(0) : head.subarray(0, headBytes));
  const kept = (): Buffer => Buffer.concat([headPart(), ringBytes()]);
  const missing = (): number => Math.max(0, ringSeen - ringSize);

  return {
    add(chunk) {
      const forHead = Math.min(headLimit - headBytes, chunk.length);
      if (forHead > 0) {
        // One block for all: a list of one-byte chunks would cost a hundred times their bytes.
        head ??= Buffer.alloc(headLimit);
        head.set(chunk.subarray(0, forHead), headBytes);
        headBytes += forHead;
      }
      if (forHead < chunk.length) addToRing(chunk.subarray(forHead));
    },
    seenBytes: () => headBytes + ringSeen,
    whole: () => (missing() > 0 ? null : kept().toString('utf8')),
    text() {
      if (missing() === 0) return kept().toString('utf8');
      return `${headPart().toString('utf8')}\n… [${missing()} bytes left out] …\n${ringBytes().toString('utf8')}`;
    },
    tail: (maxChars) => kept().toString('utf8').slice(-maxChars),
  };
}

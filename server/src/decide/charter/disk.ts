// Charter files as they lie on disk. A pipe or a device in place of a file would hang the reader, and a huge one
// would fill its memory, so both are looked at before a byte is read.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReadFile } from './extends.ts';
import { MAX_BYTES } from './source-text.ts';

/** Reads own files by path, null where there is none. One byte above the limit is enough to refuse the rest. */
export const readCharterFile: ReadFile = async (path) => {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would already hang.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    },
  );
  if (file === null) return null;
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new Error('it is not a regular file');
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
};

/** The charters that come with the product: beside the packages in a checkout, inside `dist` in what is published. */
const SHIPPED = ['../../../../charters', '../../charters'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** Reads the charters that come with the product, by name. */
export const shippedCharters: ReadFile = async (name) => {
  for (const directory of SHIPPED) {
    const found = await readCharterFile(join(directory, `${name}.yaml`));
    if (found !== null) return found;
  }
  return null;
};

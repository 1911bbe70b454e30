// A charter is stored as the files it was read from, shipped ones included, so that any process reads it exactly
// as it was meant when it was activated, whatever its own disk says by now.
import { z } from 'zod';
import type { Reading, SourceFile } from './extends.ts';

const file = z.strictObject({ kind: z.enum(['own', 'shipped']), name: z.string(), text: z.string() });
const bundle = z.tuple([file], file);

/** Parses the content column of a row. Throws on what no version of Mandate has written. */
export function parseBundle(content: string): readonly [SourceFile, ...SourceFile[]] {
  return bundle.parse(JSON.parse(content));
}

/** Reads the files of a bundle instead of those on disk. The charter itself is the last one. */
export function readBundle(files: readonly [SourceFile, ...SourceFile[]]): Reading {
  const textOf = (kind: SourceFile['kind'], name: string): string | null =>
    files.find((file) => file.kind === kind && file.name === name)?.text ?? null;
  return {
    path: (files.at(-1) ?? files[0]).name,
    readFile: async (path) => textOf('own', path),
    readShipped: async (name) => textOf('shipped', name),
  };
}

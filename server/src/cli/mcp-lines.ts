// Newline-delimited bytes, whole and untouched. A line that never ends is dropped instead of filling the memory.
import type { Readable, Writable } from 'node:stream';

export interface LineReader {
  readonly onLine: (line: Buffer) => void;
  readonly onTooLong: (bytes: number) => void;
  readonly onEnd: () => void;
}

/** 32 MiB: far above any message worth judging, far below what hurts. */
const LONGEST_LINE = 33_554_432;
const NEWLINE = 10;

export function readLines(source: Readable, { onLine, onTooLong, onEnd }: LineReader): void {
  let parts: Buffer[] = [];
  let length = 0;

  function take(part: Buffer): void {
    length += part.length;
    if (length <= LONGEST_LINE) parts.push(part);
    else parts = [];
  }

  function finish(): void {
    const line = length > LONGEST_LINE ? null : Buffer.concat(parts);
    const bytes = length;
    parts = [];
    length = 0;
    if (line === null) onTooLong(bytes);
    else if (line.length > 0) onLine(line);
  }

  source.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, at));
      finish();
      from = at + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
  });
  source.once('end', () => {
    if (length > 0) finish();
    onEnd();
  });
}

/** Writes a line, and lets the source wait while the other side cannot keep up. */
export function writeLine(target: Writable, line: Buffer | string, source: Readable): void {
  if (!target.writable) return;
  target.write(line);
  if (target.write('\n') || source.isPaused()) return;
  source.pause();
  target.once('drain', () => source.resume());
}

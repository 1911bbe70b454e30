// Who closes what a test has opened: the test itself, or the file where all of its tests share one house.
import { after } from 'node:test';

export interface Closing {
  after(fn: () => Promise<void>): void;
}

/** Closes when every test of the file is over, what was opened first first, as a test does. For the top of a file. */
export function wholeFile(): Closing {
  const closing: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closing) await close();
  });
  return { after: (fn) => void closing.push(fn) };
}

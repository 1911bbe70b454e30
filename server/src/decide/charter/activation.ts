// What came of bringing a charter into force. One answer for files, people, votes and the way back, so that whoever asks
// reads it in one way.
import type { CharterError } from './error.ts';
import type { RefusedCharter } from './load.ts';

export type Activation =
  | {
      readonly kind: 'activated';
      readonly version: string;
      readonly previous: string | null;
      /** The tenant's revision from now on. */
      readonly revision: number;
      readonly warnings: readonly CharterError[];
      readonly ownPaths: readonly string[];
    }
  | { readonly kind: 'unchanged'; readonly version: string; readonly ownPaths: readonly string[] }
  | RefusedCharter;

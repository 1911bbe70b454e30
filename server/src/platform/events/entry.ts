// What anybody says who writes something down: the entry, and the function that writes it. The journal hands its own to
// every module, and they meet here because a module never imports another.
import type { JsonObject } from '@mandate/kernel';
import type { Tx } from '../postgres/store.ts';

/** An entry before it has its position in the journal. */
export interface NewEntry {
  /** Dotted, as events are: `stop.requested`. Whoever reads `stop` reads what begins so too. */
  readonly kind: string;
  /** Whom it tells of; null or absent where that is no agent. */
  readonly agent?: string | null;
  /** The act or the run of a workflow; null or absent where it tells of neither. */
  readonly actId?: string | null;
  /** The id of the principal who did it, or the name of the part of Mandate that did. */
  readonly actor: string;
  readonly atMs: number;
  /** 32 hexadecimal digits (W3C Trace Context); null where no request led to it. */
  readonly traceId: string | null;
  /** What happened. Never a secret: texts are freed of those they show, but of nothing else. */
  readonly data: JsonObject;
}

/** Writes one entry in the caller's transaction: either both are there afterwards, or neither. */
export type WriteEntry = (tx: Tx, tenant: string, entry: NewEntry) => Promise<void>;

// What an agent wants to do, after the door has parsed it and identity has proven who asks.

/** A JSON value (RFC 8259) as it came over the wire. Numbers are IEEE doubles. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export type Severity = 'low' | 'medium' | 'high' | 'critical';

/** What the action touches: a portal, a repository, a page. */
export interface Resource {
  readonly type: string;
  readonly id: string;
}

/** The person on whose authority the agent acts. Comes from the key's row, never from the body alone. */
export interface User {
  readonly id: string;
  readonly email: string | null;
}

export interface Action {
  readonly agent: string;
  /** A dotted name: `git.merge`, `deploy.production`, `roaster.SET_POWER`. */
  readonly action: string;
  readonly parameters: JsonObject;
  /** What the agent says about the circumstances: a claim, which may only make a decision stricter. */
  readonly context: JsonObject;
  readonly resource: Resource | null;
  readonly user: User | null;
  /** Who handed the authority on, root first, read from a proven delegation token. Empty without one. */
  readonly chain: readonly string[];
  /** The person in whose name the agent says it acts; needs a consent grant. */
  readonly onBehalfOf: string | null;
  /** The agent's estimate in integer micro-USD; null when it gave none. */
  readonly costMicroUsd: number | null;
  /**
   * Names the piece of work it belongs to, so that acts of several agents are seen together. Comes from whoever asks,
   * and is no part of what is approved.
   */
  readonly run?: string | null;
}

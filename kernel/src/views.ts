// What is handed out, set, pinned or offered, as people and their programs look at it. The server shows these shapes and
// the SDK reads them; stated once, neither can drift from the other. Times are ISO 8601.
import type { JsonObject } from './action.ts';
import type { GrantKind } from './grant.ts';

/** Authority that was handed on. */
export interface GrantView {
  readonly id: string;
  readonly kind: GrantKind;
  readonly from: string;
  readonly to: string;
  readonly actions: readonly string[];
  readonly purpose: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  /** Of kind `signature`: the digest of the one action that may run again, and what it was approved for. */
  readonly signature?: string;
  readonly causes?: readonly string[];
  readonly approval?: string;
}

export type FlagValue = string | number | boolean;

/** What people may change at run time. */
export interface FlagView {
  readonly key: string;
  /** `''` for the whole tenant, else `agent:ID`, `action:PATTERN`, … */
  readonly scope: string;
  readonly value: FlagValue;
  readonly reason: string;
  readonly owner: string;
  readonly updatedAt: string;
}

/** Something that stands against agents: a stop, a freeze, a pause, a phase, a throttle, a flag that is off. */
export interface RestrictionView {
  readonly id: string;
  readonly kind: string;
  readonly scope: string;
  /** Nothing in its scope is judged milder. */
  readonly floor: string;
  readonly except: readonly string[];
  readonly cause: string;
  readonly by: string;
  /** null for what a flag restricts: the flag says since when. */
  readonly since: string | null;
  readonly until: string | null;
}

/** An API key without its text. */
export interface KeyView {
  readonly id: string;
  readonly label: string;
  readonly roles: readonly string[];
  readonly agents: readonly string[] | 'any';
  readonly user: {
    readonly id: string;
    readonly email: string | null;
    readonly scopes: readonly string[];
  } | null;
  /** What its roles allow is narrowed to these; null: it is not. */
  readonly scopes: readonly string[] | null;
  readonly createdAt: string | null;
  readonly createdBy: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

/** A tool of an MCP server, as it was pinned. */
export interface ToolView {
  readonly upstream: string;
  readonly name: string;
  readonly hash: string;
  readonly told: JsonObject;
  readonly pinnedAt: string;
  readonly pinnedBy: string;
  /** What it says now, while that has not been accepted. */
  readonly changed: {
    readonly hash: string;
    readonly told: JsonObject;
    readonly at: string | null;
    readonly approval: string | null;
  } | null;
}

/** A tool whose calls wait, by its name at the server. */
export interface HeldTool {
  readonly name: string;
  /** Of people who are asked to accept it; null once they have said no. */
  readonly approval: string | null;
}

/** A step of a run that no executor takes, offered to the agent that is to do it. */
export interface OfferView {
  readonly run: string;
  readonly template: string;
  readonly step: string;
  readonly agent: string;
  readonly offeredAt: string;
}

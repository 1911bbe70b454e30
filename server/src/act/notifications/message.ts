// What people are told, as plain data: kept until it is sent, written out for people by compose.ts, and handed to
// programs as it is. It is made of the redacted journal, and carries no link with a token in it.
import type { Json, Tier } from '@mandate/kernel';
import type { Block } from './document.ts';

export type DeliveryKind = 'digest' | 'approval' | 'act' | 'event' | 'report' | 'test';

/** How an act stands for people. */
export type Outcome =
  | 'success'
  | 'failed'
  | 'denied'
  | 'waiting'
  | 'cancelled'
  | 'expired'
  | 'unknown'
  | 'running'
  | 'recorded';

/** One act, or several alike that were refused. */
export interface ActLine {
  readonly actId: string | null;
  readonly atMs: number;
  readonly action: string;
  /** `opened pull request #42` */
  readonly words: string;
  readonly tier: Tier | null;
  readonly outcome: Outcome;
  /** Why it failed, waits or was refused; null where there is nothing to add. */
  readonly why: string | null;
  readonly costMicroUsd: number;
  readonly traceId: string | null;
  readonly approvalId: string | null;
  /** More than 1 where the same was refused again and again. */
  readonly times: number;
}

export interface TrustChange {
  readonly before: number;
  readonly after: number;
  /** Each cause once, oldest first, with how often it moved the score. */
  readonly causes: readonly { readonly cause: string; readonly times: number }[];
}

export interface AgentSummary {
  readonly agent: string;
  /** What is listed: everything yellow, and whatever failed, waits or was refused. */
  readonly lines: readonly ActLine[];
  /** What ran green and succeeded, counted by action. */
  readonly green: readonly { readonly action: string; readonly times: number }[];
  readonly trust: TrustChange | null;
  readonly costMicroUsd: number;
}

/** What happened besides acts: a stop, a freeze, a flag, a charter. */
export interface EventLine {
  readonly atMs: number;
  readonly kind: string;
  readonly agent: string | null;
  readonly text: string;
  readonly traceId: string | null;
  /** The act that it concerns, where it concerns one. */
  readonly actId?: string;
  /** The incident that it is about. */
  readonly incidentId?: string;
  /** What else is to be known, and what to do next, a sentence each. */
  readonly more?: readonly string[];
}

export interface DigestContent {
  readonly kind: 'digest';
  readonly fromMs: number;
  readonly toMs: number;
  /** Positions in the journal: after the first, up to the second. */
  readonly positions: { readonly after: number; readonly upTo: number };
  readonly agents: readonly AgentSummary[];
  readonly events: readonly EventLine[];
  /** More of the same period follows in a message of its own. */
  readonly continues: boolean;
}

export interface ApprovalContent {
  readonly kind: 'approval';
  readonly approvalId: string;
  readonly actId: string | null;
  readonly agent: string | null;
  readonly action: string;
  readonly words: string;
  readonly reasons: readonly string[];
  readonly parameters: Json;
  /** Who asks, where it is about no act. */
  readonly requester?: string;
  /** Which subject it is (`proposal`, `charter`, …), where it is about no act. */
  readonly subject?: string;
  /** What would happen, by name, as voters are shown it, where it is about no act. */
  readonly display?: Json;
  readonly requiredRoles: readonly string[];
  readonly quorum: number;
  readonly expiresMs: number;
  readonly atMs: number;
  readonly traceId: string | null;
  /** It was somebody else's turn before, who did not decide in time. */
  readonly escalated: boolean;
}

export interface ActContent {
  readonly kind: 'act';
  readonly agent: string;
  readonly line: ActLine;
  readonly trust: TrustChange | null;
}

export interface EventContent {
  readonly kind: 'event';
  readonly event: EventLine;
}

/** What the weekly cycle came to. */
export interface ReportContent {
  readonly kind: 'report';
  readonly reportId: string;
  readonly set: string;
  readonly week: string;
  /** `L3+ is proposed for roastery, which is at L3. Readiness …` */
  readonly summary: string;
  /** The phase that is proposed; null where none is. */
  readonly target: string | null;
  /** Why none is. */
  readonly reasons: readonly string[];
  readonly nextSteps: readonly string[];
  /** SHA-256 of the report, and the tree hash over the journal that it stands on; hex. */
  readonly sha256: string;
  readonly auditRoot: string;
  readonly positions: { readonly first: number | null; readonly last: number | null };
  readonly atMs: number;
  readonly traceId: string | null;
}

export interface TestContent {
  readonly kind: 'test';
  readonly by: string;
  readonly atMs: number;
}

export type Content =
  | DigestContent
  | ApprovalContent
  | ActContent
  | EventContent
  | ReportContent
  | TestContent;

/** What a channel is handed: one message for one recipient. */
export interface ChannelMessage {
  /** Stable: the same on every try, so that whoever receives it twice can tell. */
  readonly id: string;
  readonly tenant: string;
  /** The channel's name. */
  readonly channel: string;
  readonly kind: DeliveryKind;
  /** It does not wait for a digest. */
  readonly urgent: boolean;
  /** Address, URL or id, by the kind of the channel; '' for a function that has no contacts. */
  readonly to: string;
  /** The person, where it goes to somebody's own address. */
  readonly user: string | null;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The same as text and html, for ways with a form of their own. */
  readonly blocks: readonly Block[];
  readonly content: Content;
  /** Where the approval is decided; null for everything else. It may carry a token that is this person's alone. */
  readonly link: string | null;
  /** An earlier try may have arrived: this may be a copy, and says so. */
  readonly sentAgain: boolean;
  /** Counts from 1. */
  readonly attempt: number;
  /** When it came to be told, epoch milliseconds. */
  readonly atMs: number;
}

/**
 * What became of one try.
 * - `accepted`: somebody else answers for it now
 * - `refused`: it was certainly not taken; `permanent` where another try cannot end otherwise
 * - `unknown`: it may have been taken; it is sent again, and says so
 */
export type ChannelAnswer =
  | { readonly kind: 'accepted'; readonly reference: string | null }
  | {
      readonly kind: 'refused';
      readonly error: string;
      readonly permanent: boolean;
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: 'unknown'; readonly error: string };

/**
 * A channel of one's own. Nothing (or `accepted`) means that the message was taken. What it throws leaves open whether
 * it was, so it is sent again under the same id; answer `refused` where it certainly was not.
 */
export type ChannelFunction = (
  message: ChannelMessage,
  signal: AbortSignal,
) => Promise<ChannelAnswer | void> | ChannelAnswer | void;

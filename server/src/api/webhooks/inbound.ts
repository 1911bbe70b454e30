// What a chat's provider sends us, before and after it is believed. Nothing of a body is read until whoever sent it has
// proven that they hold the channel's secret.
import type { Refusal } from '../../platform/http/problems.ts';

/** A channel of the charter that can take what its provider sends. */
export interface InboundChannel {
  readonly name: string;
  /** What signs or accompanies what the provider sends; null where none is set. */
  readonly proof: string | null;
  /** What a provider asks for before it sends anything; null where there is none. */
  readonly verifyToken: string | null;
  /** The account that sends, where one webhook serves several. */
  readonly account: string | null;
}

/** A request as it came. */
export interface Inbound {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
  readonly channels: readonly InboundChannel[];
  readonly nowMs: number;
}

export type Read<T> =
  | { readonly kind: 'read'; readonly value: T }
  /** It comes from the provider and is about nothing of ours. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface SlackPress {
  readonly channels: readonly string[];
  readonly id: string;
  readonly sender: string;
  readonly value: string;
  readonly responseUrl: string | null;
}

export interface TelegramPress {
  readonly channels: readonly string[];
  /** Of the callback query, under which it is answered. */
  readonly id: string;
  readonly sender: string;
  readonly value: string;
  /** The message with the button; null where Telegram does not know it any more. */
  readonly message: { readonly chatId: number; readonly messageId: number } | null;
}

export type WhatsappNews =
  /** Somebody has written anything at all. */
  | {
      readonly kind: 'written';
      readonly channels: readonly string[];
      readonly sender: string;
      readonly atMs: number;
    }
  | {
      readonly kind: 'press';
      readonly channels: readonly string[];
      readonly id: string;
      readonly sender: string;
      readonly value: string;
    }
  /** A message of ours was not delivered after all. */
  | {
      readonly kind: 'bounce';
      readonly channels: readonly string[];
      readonly reference: string;
      readonly code: number;
      readonly error: string;
    };

/** The header's only value; null where there is none, or several. */
export function headerOf({ headers }: Pick<Inbound, 'headers'>, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
}

/** Channels whose secret `proves` accepts, or why there are none. */
export function provenBy(
  channels: readonly InboundChannel[],
  proves: (secret: string) => boolean,
): readonly InboundChannel[] {
  return channels.filter(({ proof }) => proof !== null && proves(proof));
}

export function unproven(detail: string): { readonly kind: 'refused'; readonly refusal: Refusal } {
  return { kind: 'refused', refusal: { code: 'unauthenticated', detail } };
}

export function unreadable(detail: string): { readonly kind: 'refused'; readonly refusal: Refusal } {
  return { kind: 'refused', refusal: { code: 'malformed', detail } };
}

/** undefined where it is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

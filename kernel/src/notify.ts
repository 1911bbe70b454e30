// Whom the charter wants told, by which way and when. Plain data, with everything inherited filled in by the loader, so
// that whoever sends decides nothing by itself.
import type { Tier } from './tier.ts';

/** - `digest`: collected, told every interval · `realtime`: each by itself, at once · `none`: not told */
export type NotifyMode = 'none' | 'digest' | 'realtime';

/** What does not wait for a digest: something waits for people, an incident, a stop, an agent that was frozen, a report. */
export type UrgentKind = 'approval' | 'incident' | 'stop' | 'freeze' | 'report';

export const URGENT_KINDS: readonly UrgentKind[] = ['approval', 'incident', 'stop', 'freeze', 'report'];

/** A report can be read in the morning. */
const WAKING_KINDS: readonly UrgentKind[] = URGENT_KINDS.filter((kind) => kind !== 'report');

/** Ways that Mandate knows; `function` is one of the program's own (`registerChannel`). */
export type ChannelKind = 'email' | 'webhook' | 'slack' | 'telegram' | 'whatsapp' | 'function';

/** Ways that reach a person by an address of their own (`users.<id>.contacts`). */
export const CONTACT_KINDS = [
  'email',
  'slack',
  'telegram',
  'whatsapp',
] as const satisfies readonly ChannelKind[];

/** What one channel follows. */
export interface NotifyPolicy {
  /** How long things are collected before a digest tells of them, in milliseconds. */
  readonly digestMs: number;
  /** `22:00-07:00 Europe/Berlin`; null has none. */
  readonly quiet: string | null;
  /** How acts of each tier are told. What is no act (flags, charters, failures) goes as yellow does. */
  readonly tiers: Readonly<Record<Tier, NotifyMode>>;
  /** Told at once, whatever the mode is (but none). */
  readonly urgent: readonly UrgentKind[];
  /** Which of these are told during quiet hours too. */
  readonly wake: readonly UrgentKind[];
  /** Tries before a message is put aside as dead. */
  readonly tries: number;
  /** How long one try may take, in milliseconds. */
  readonly timeoutMs: number;
}

export interface ChannelSetting extends NotifyPolicy {
  readonly kind: ChannelKind;
  /** Addresses, URLs or ids, by kind; one message for each. Empty for `function`, and for a channel that only persons use. */
  readonly to: readonly string[];
  /** Name of the secret: SMTP URL, signing secret or token, by kind. */
  readonly secret: string | null;
  /** Whether a URL may lead into a private network. */
  readonly allowPrivate: boolean;
  /** What a kind needs besides, as written. */
  readonly options: Readonly<Record<string, string>>;
}

/** The policy itself is what a channel gets that the charter does not name (a function of the program). */
export interface NotifySettings extends NotifyPolicy {
  /** By name. What `to` lists has its own text as name: `email:ops@example.org`. */
  readonly channels: Readonly<Record<string, ChannelSetting>>;
}

export const DEFAULT_NOTIFY: NotifySettings = {
  digestMs: 1_800_000,
  quiet: null,
  tiers: { green: 'none', yellow: 'digest', red: 'digest', black: 'digest' },
  urgent: URGENT_KINDS,
  wake: WAKING_KINDS,
  tries: 12,
  timeoutMs: 30_000,
  channels: {},
};

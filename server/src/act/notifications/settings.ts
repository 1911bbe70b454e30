// Which channels there are, what they follow, and where they lead. The charter's channels, those that a program has
// registered, and e-mail by the server's own SMTP setting for people whose address the charter knows.
import type { ChannelSetting, NotifySettings, Tier, UrgentKind } from '@mandate/kernel';
import type { Meaning } from './meaning.ts';

const TIERS: readonly Tier[] = ['green', 'yellow', 'red', 'black'];

/** As much of a charter as telling people needs. */
export interface NotifyCharter {
  readonly notify: NotifySettings;
  readonly users: Readonly<Record<string, { readonly contacts?: Readonly<Record<string, string>> }>>;
}

/** Where a message to somebody's own address goes. */
export interface Address {
  readonly channel: string;
  readonly recipient: string;
}

/** All channels that something is told over by itself, by name. */
export function channelsOf(
  { notify }: NotifyCharter,
  registered: Iterable<string>,
): ReadonlyMap<string, ChannelSetting> {
  const channels = new Map(Object.entries(notify.channels));
  for (const name of registered) if (!channels.has(name)) channels.set(name, functionChannel(notify));
  return channels;
}

/** The channel of that name, as deliveries are sent; null where there is none any more. */
export function channelOf(
  charter: NotifyCharter,
  name: string,
  isRegistered: boolean,
): ChannelSetting | null {
  const declared = Object.hasOwn(charter.notify.channels, name) ? charter.notify.channels[name] : undefined;
  if (declared !== undefined) return declared;
  if (isRegistered) return functionChannel(charter.notify);
  return name === 'email'
    ? { ...charter.notify, kind: 'email', to: [], secret: null, allowPrivate: false, options: {} }
    : null;
}

/** Whether it is a function of some program, whichever process has it. */
export function isFunctionChannel({ notify }: NotifyCharter, name: string, isRegistered: boolean): boolean {
  return Object.hasOwn(notify.channels, name) ? notify.channels[name]?.kind === 'function' : isRegistered;
}

function functionChannel(notify: NotifySettings): ChannelSetting {
  const { channels: _, ...policy } = notify;
  return { ...policy, kind: 'function', to: [], secret: null, allowPrivate: false, options: {} };
}

/** Whoever is told over this channel by itself: a function without addresses is told once. */
export function recipientsOf({ kind, to }: ChannelSetting): readonly string[] {
  return kind === 'function' && to.length === 0 ? [''] : to;
}

/** `how` something is told over a channel: now, as one of a digest, or not at all. */
export function wayOf(
  setting: ChannelSetting,
  meaning: Meaning,
  isQuiet: boolean,
): 'now' | 'digest' | 'none' {
  const { tier, urgent } = meaning;
  // A stop, a freeze and an incident belong to no tier: wherever anything is told, they are.
  const mode =
    urgent === null || urgent === 'approval' || setting.tiers[tier] !== 'none'
      ? setting.tiers[tier]
      : (TIERS.map((it) => setting.tiers[it]).find((it) => it !== 'none') ?? 'none');
  if (mode === 'none') return 'none';
  if (urgent !== null && setting.urgent.includes(urgent))
    return wakes(setting, urgent) || !isQuiet ? 'now' : 'digest';
  if (mode === 'realtime' && !isQuiet) return meaning.single ? 'now' : 'none';
  return meaning.opens ? 'digest' : 'none';
}

/** Whether this is told during quiet hours too. */
export function wakes(setting: Pick<ChannelSetting, 'wake'>, urgent: UrgentKind | null): boolean {
  return urgent !== null && setting.wake.includes(urgent);
}

/** Nothing is told over it by itself. */
export function isMute(setting: ChannelSetting): boolean {
  return TIERS.every((tier) => setting.tiers[tier] === 'none');
}

/** Every address of a person: by name of a channel, or by kind, which takes the first channel of that kind. */
export function addressesOf(charter: NotifyCharter, user: string, email: string | null): readonly Address[] {
  const setting = Object.hasOwn(charter.users, user) ? charter.users[user] : undefined;
  const contacts = setting?.contacts ?? (email === null ? {} : { email });
  const { channels } = charter.notify;
  return Object.entries(contacts).flatMap(([name, recipient]) => {
    if (Object.hasOwn(channels, name)) return [{ channel: name, recipient }];
    const channel = Object.keys(channels)
      .filter((key) => !key.includes(':'))
      .find((key) => channels[key]?.kind === name);
    if (channel !== undefined) return [{ channel, recipient }];
    return name === 'email' ? [{ channel: 'email', recipient }] : [];
  });
}

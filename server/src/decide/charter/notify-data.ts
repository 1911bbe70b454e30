// From the written `notify` to what the kernel hands on: what a channel leaves out it inherits, what `to` lists becomes
// channels, and a contact that no channel serves is refused, because somebody believes to be reached there.
import { CONTACT_KINDS, DEFAULT_NOTIFY, nearest } from '@mandate/kernel';
import type { ChannelKind, ChannelSetting, NotifyPolicy, NotifySettings } from '@mandate/kernel';
import { renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { Merged } from './merged.ts';
import { CHANNEL_KEYS } from './notify-schema.ts';
import type { WrittenChannel, WrittenNotify } from './notify-schema.ts';
import { durationMs } from './units.ts';

/** A webhook that `to` lists is signed by the secret of this name. */
const WEBHOOK_SECRET = 'webhook';

export function readNotify({ sections: { notify } }: Merged): NotifySettings {
  const policy = readPolicy(notify ?? {}, DEFAULT_NOTIFY, DEFAULT_NOTIFY.tiers);
  const channels: Record<string, ChannelSetting> = {};
  for (const written of notify?.to ?? []) channels[written] = listed(written, policy);
  for (const [name, written] of Object.entries(notify?.channels ?? {}))
    channels[name] = readChannel(written, policy);
  return { ...policy, channels };
}

function readPolicy(
  written: Pick<
    WrittenNotify,
    'mode' | 'digest' | 'quiet' | 'tiers' | 'urgent' | 'wake' | 'tries' | 'timeout'
  >,
  inherited: NotifyPolicy,
  tiers: NotifyPolicy['tiers'],
): NotifyPolicy {
  const urgent = written.urgent ?? inherited.urgent;
  return {
    digestMs: written.digest === undefined ? inherited.digestMs : durationMs(written.digest),
    quiet: written.quiet === undefined ? inherited.quiet : written.quiet === 'none' ? null : written.quiet,
    tiers: readTiers(written, tiers),
    urgent,
    wake: written.wake ?? (written.urgent === undefined ? inherited.wake : urgent),
    tries: written.tries ?? inherited.tries,
    timeoutMs: written.timeout === undefined ? inherited.timeoutMs : durationMs(written.timeout),
  };
}

/** A list of tiers silences the others; a map changes those that it names. */
function readTiers(
  { mode, tiers: named }: Pick<WrittenNotify, 'mode' | 'tiers'>,
  inherited: NotifyPolicy['tiers'],
): NotifyPolicy['tiers'] {
  const tiers: NotifyPolicy['tiers'] =
    mode === undefined
      ? inherited
      : { green: mode === 'none' ? 'none' : inherited.green, yellow: mode, red: mode, black: mode };
  if (named === undefined) return tiers;
  if (!Array.isArray(named)) return { ...tiers, ...defined(named) };
  const loud = mode ?? (inherited.yellow === 'none' ? 'digest' : inherited.yellow);
  const only = (tier: 'green' | 'yellow' | 'red' | 'black') => (named.includes(tier) ? loud : 'none');
  return { green: only('green'), yellow: only('yellow'), red: only('red'), black: only('black') };
}

function defined<T extends object>(map: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the entries that were undefined are gone
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function listed(written: string, policy: NotifyPolicy): ChannelSetting {
  const isEmail = written.startsWith('email:');
  return {
    ...policy,
    kind: isEmail ? 'email' : 'webhook',
    to: [written.slice(written.indexOf(':') + 1)],
    secret: isEmail ? null : WEBHOOK_SECRET,
    allowPrivate: false,
    options: {},
  };
}

function readChannel(written: WrittenChannel, policy: NotifyPolicy): ChannelSetting {
  const kind = kindOf(written);
  const to = written[kind];
  return {
    ...readPolicy(written, policy, policy.tiers),
    kind,
    to: to === undefined || to === true ? [] : typeof to === 'string' ? [to] : to,
    secret: written.secret ?? null,
    allowPrivate: written.allowPrivate ?? false,
    options: written.options ?? {},
  };
}

function kindOf(written: WrittenChannel): ChannelKind {
  const kind = CHANNEL_KEYS.find((key) => written[key] !== undefined);
  if (kind === undefined) throw new Error('a channel without a way passed the schema');
  return kind;
}

/** Contacts whose channel does not exist. E-mail needs none: the server's own SMTP setting serves it. */
export function checkContacts(merged: Merged): readonly CharterError[] {
  const channels = merged.sections.notify?.channels ?? {};
  const kinds = new Set<string>(['email', ...Object.values(channels).map(kindOf)]);
  const known = [...CONTACT_KINDS, ...Object.keys(channels)];
  return Object.entries(merged.sections.users ?? {}).flatMap(([user, { contacts = {} }]) =>
    Object.keys(contacts).flatMap((name) => {
      if (Object.hasOwn(channels, name) || kinds.has(name)) return [];
      const path: Path = ['users', user, 'contacts', name];
      const isKind = CONTACT_KINDS.some((kind) => kind === name);
      const guess = nearest(name, known);
      const message = isKind
        ? `No channel leads over ${name}. Declare one under notify.channels: ${name}: { ${name}: [] }.`
        : `There is no channel ${name}.${guess === null ? ' Declare it under notify.channels.' : ` Did you mean ${guess}?`}`;
      return [{ ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message }];
    }),
  );
}

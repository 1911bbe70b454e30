// Telling people, handed what it needs: the charter in force, who may decide what, links that are theirs alone, and the
// ways that messages go out by.
import type { ChannelSetting } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { createPost } from '../act/executors/notice-post.ts';
import { createEmail } from '../act/notifications/email.ts';
import { createChannelMetrics } from '../act/notifications/metrics.ts';
import { createNotifications } from '../act/notifications/notifications.ts';
import { createWebhook } from '../act/notifications/webhook.ts';
import { readSecret } from '../platform/config/secrets.ts';
import type { ReadingLinks } from '../platform/identity/reading-link.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { Sequencer } from '../prove/journal/sequencer.ts';
import { buildChats } from './chats.ts';
import type { Execution } from './execution.ts';
import type { Judgement } from './judgement.ts';

export interface NotifyNeeds {
  readonly infrastructure: Infrastructure;
  readonly judgement: Pick<Judgement, 'activeLaw' | 'approvals'>;
  readonly execution: Pick<Execution, 'links'>;
  readonly readingLinks: Pick<ReadingLinks, 'linkFor'>;
  readonly sequencer: Sequencer;
  readonly publicUrl: () => string;
  /** What people are told from here; changes when the process begins to listen. */
  readonly tells: () => Tells;
}

/**
 * - `all`: it listens, so links lead back to it, and what it cannot send is its own mistake to show
 * - `own`: functions that it has registered, and what it has all that is needed for
 * - `functions`: a worker, which has neither the settings of a server nor an address
 */
export type Tells = 'all' | 'own' | 'functions';

export type Notify = ReturnType<typeof buildNotifications>;

export function buildNotifications({
  infrastructure,
  judgement,
  execution,
  readingLinks,
  sequencer,
  publicUrl,
  tells,
}: NotifyNeeds) {
  const { config, clock, chance, log, store } = infrastructure;
  const { activeLaw, approvals } = judgement;
  const secrets = (name: string): string | null => readSecret(config.dataDir, name);
  const chats = buildChats(infrastructure, judgement);
  const leftOut = new Set<string>();
  const metrics = createChannelMetrics({
    store,
    clock,
    tenant: config.tenant,
    prefix: config.metricsPrefix,
  });
  const notifications = createNotifications({
    store,
    clock,
    chance,
    writeEntry,
    charterOf: async (tenant) => (await activeLaw(tenant))?.charter ?? null,
    async votersOf(tenant, approvalId) {
      const approval = await approvals.find(tenant, approvalId);
      if (approval === null) return [];
      return (await approvals.votersOf(tenant, approval)).map(({ id, email }) => ({
        user: id.replace(/^user:/, ''),
        email,
      }));
    },
    async linkFor({ tenant, approvalId, user }) {
      const plain = `${publicUrl()}/approvals/${approvalId}`;
      const approval = user === null ? null : await approvals.find(tenant, approvalId);
      if (user === null || approval === null) return plain;
      return execution.links.linkFor({ tenant, id: approval.id, expiresAt: approval.expiresAt }, user);
    },
    shown: ({ tenant, approvalId, user, channel }) =>
      approvals.shown(tenant, { ids: [approvalId], person: `user:${user}`, channel }),
    readingUrl: (reading) => readingLinks.linkFor(reading),
    senders: {
      email: createEmail({
        smtpUrl: config.smtpUrl,
        from: config.mailFrom,
        domain: () => new URL(publicUrl()).hostname,
        secrets,
      }),
      webhook: createWebhook({ clock, post: createPost(), secrets }),
      ...chats.senders,
    },
    lacking(channel, setting) {
      switch (tells()) {
        case 'all':
          return null;
        case 'functions':
          return 'Workers tell nobody.';
        case 'own': {
          const lack = lackOf(setting, { config, secrets });
          if (lack !== null && !leftOut.has(channel)) {
            leftOut.add(channel);
            log.warn({ channel, lack }, 'messages of this channel wait for a process that can send them');
          }
          return lack;
        }
      }
    },
    sequence: () => sequencer.pass(),
    counted: metrics.counted,
    failed: (error, what) => log.error({ err: error }, what),
  });
  return { ...notifications, metrics, chats };
}

/** What a process that listens nowhere needs, or its tries would be spent on what a server could have sent. */
function lackOf(
  { kind, secret }: ChannelSetting,
  {
    config,
    secrets,
  }: { readonly config: Infrastructure['config']; readonly secrets: (name: string) => string | null },
): string | null {
  if (config.publicUrl === null)
    return 'This process listens nowhere, so its links would lead nowhere. Set MANDATE_PUBLIC_URL to the address of a server on this database, or open a port.';
  if (secret !== null && secrets(secret) === null)
    return `The secret ${secret} does not exist. Put it into the file secrets/${secret} of the data directory.`;
  return kind === 'email' && secret === null && config.smtpUrl === null
    ? 'No SMTP server is set. Set MANDATE_SMTP_URL, or name a secret with an SMTP URL in the channel.'
    : null;
}

// What comes back from Slack, Telegram and WhatsApp: a press becomes a vote, a line opens a window, a bounce ends a
// delivery. Notifications know nothing of approvals; they meet here.
import type { ChannelSetting, Charter } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { createPressAnswers } from '../act/notifications/press-answer.ts';
import type { Decided } from '../act/notifications/press-answer.ts';
import { createPresses } from '../act/notifications/presses.ts';
import type { ChatKind, Press } from '../act/notifications/presses.ts';
import { SLACK_PROOF } from '../act/notifications/slack.ts';
import { TELEGRAM_PROOF } from '../act/notifications/telegram.ts';
import { WHATSAPP_PROOF } from '../act/notifications/whatsapp.ts';
import { bounceDelivery, openWindow } from '../act/notifications/whatsapp-store.ts';
import type { HttpDoor, HttpNeeds } from '../api/http/server.ts';
import type { InboundChannel } from '../api/webhooks/inbound.ts';
import { mountWebhooks } from '../api/webhooks/webhooks.ts';
import type { Taken, WebhooksNeeds } from '../api/webhooks/webhooks.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import { lockedOut } from './approval-pages.ts';
import type { DoorsNeeds } from './doors-needs.ts';

const PROOFS: Readonly<Record<ChatKind, string>> = {
  slack: SLACK_PROOF,
  telegram: TELEGRAM_PROOF,
  whatsapp: WHATSAPP_PROOF,
};

export function mountChats(
  { infrastructure, judgement, execution, notify, isSealed, closing }: DoorsNeeds,
  { fastify }: HttpDoor,
  { traced, failed }: Pick<HttpNeeds, 'traced' | 'failed'>,
): void {
  const { config, clock, log, store } = infrastructure;
  const { approvals, activeLaw } = judgement;
  const { chats } = notify;
  const charterOf = async (tenant: string): Promise<Charter | null> =>
    (await activeLaw(tenant))?.charter ?? null;
  const isLockedOut = lockedOut({ infrastructure, isSealed });
  const take = createPresses({
    store,
    clock,
    buttons: chats.buttons,
    charterOf,
    ask: chats.ask,
    ballotOf: async (tenant) => {
      const settings = await approvals.settingsOf(tenant);
      return async (tx, { user, ...cast }) => {
        const voter = { id: `user:${user}`, roles: null };
        const answer = await approvals.voteIn(tx, { ...cast, reason: null, voter }, settings);
        return answer.kind === 'voted'
          ? { kind: 'voted', missing: answer.missing }
          : { kind: 'refused', detail: answer.refusal.detail };
      };
    },
    isLockedOut: (tenant, user) => isLockedOut(tenant, `user:${user}`),
    async linkFor({ tenant, approvalId, user }) {
      const approval = await approvals.find(tenant, approvalId);
      if (approval === null) throw new Error(`approval ${approvalId} vanished`);
      return execution.links.linkFor({ tenant, id: approval.id, expiresAt: approval.expiresAt }, user);
    },
  });
  const answers = createPressAnswers(chats);

  async function settingsOf(tenant: string, kind: ChatKind): Promise<ReadonlyMap<string, ChannelSetting>> {
    const channels = Object.entries((await charterOf(tenant))?.notify.channels ?? {});
    return new Map(channels.filter(([, setting]) => setting.kind === kind));
  }

  /** Decides now; what is said in the chat follows, and nobody waits for it. */
  async function decide(press: Press, say: (decided: Decided) => Promise<string | null>): Promise<null> {
    const pressed = await take(press);
    const { tenant, kind, channels } = press;
    const setting = (await settingsOf(tenant, kind)).get(channels[0] ?? '');
    if (setting === undefined) return null;
    const late = new AbortController();
    const cancel = clock.after(setting.timeoutMs, () => late.abort());
    const signal = AbortSignal.any([closing, late.signal]);
    void tell(say({ tenant, setting, pressed, signal }), channels[0]).finally(cancel);
    return null;
  }

  async function tell(said: Promise<string | null>, channel: string | undefined): Promise<void> {
    try {
      const problem = await said;
      if (problem === null || closing.aborted) return;
      log.warn({ channel, problem }, 'a press was decided, but the chat could not be told so');
    } catch (error) {
      log.error({ err: error, channel }, 'a press was decided, but telling the chat met a mistake of ours');
    }
  }

  const mine = (tenant: string | null): string => tenant ?? config.tenant;
  const pressOf = (
    kind: ChatKind,
    { channels, id, sender, value }: Pick<Press, 'channels' | 'id' | 'sender' | 'value'>,
    { tenant, traceId }: Taken,
  ): Press => ({ tenant: mine(tenant), kind, channels, id, sender, value, traceId });

  const slack: WebhooksNeeds['slack'] = (press, taken) =>
    decide(pressOf('slack', press, taken), (decided) =>
      press.responseUrl === null ? Promise.resolve(null) : answers.slack(decided, press.responseUrl),
    );
  const telegram: WebhooksNeeds['telegram'] = (press, taken) =>
    decide(pressOf('telegram', press, taken), (decided) => answers.telegram(decided, press));
  const whatsapp: WebhooksNeeds['whatsapp'] = async (news, taken) => {
    const tenant = mine(taken.tenant);
    const settings = await settingsOf(tenant, 'whatsapp');
    const hasTemplate = (channel: string): boolean =>
      settings.get(channel)?.options['template'] !== undefined;
    let early = false;
    for (const each of news) {
      switch (each.kind) {
        case 'press':
          await decide(pressOf('whatsapp', each, taken), (decided) => answers.whatsapp(decided, each));
          break;
        case 'written':
          await store.withTenant(tenant, async (tx) => {
            for (const channel of each.channels)
              await openWindow(
                tx,
                { tenant, channel, number: each.sender },
                Math.min(each.atMs, clock.nowMs()),
              );
          });
          break;
        case 'bounce': {
          const bounce = { ...each, tenant, nowMs: clock.nowMs() };
          const came = await store.withTenant(tenant, (tx) =>
            bounceDelivery(tx, bounce, { hasTemplate, writeEntry }),
          );
          early = early || came === 'early';
          notify.schedule.wake();
          break;
        }
      }
    }
    return early
      ? {
          code: 'overloaded',
          detail: 'The message is just being sent; say once more what became of it.',
          retryAfterMs: 5_000,
        }
      : null;
  };

  mountWebhooks({
    fastify,
    traced,
    failed,
    nowMs: () => clock.nowMs(),
    async channelsOf(of, kind) {
      const tenant = mine(of);
      if (!(await isTenant(store.control, tenant))) return [];
      return [...(await settingsOf(tenant, kind))].map(([name, { options }]): InboundChannel => {
        const secretOf = (option: string): string | null =>
          options[option] === undefined ? null : chats.secrets(options[option]);
        return {
          name,
          proof: secretOf(PROOFS[kind]),
          verifyToken: secretOf('verifyToken'),
          account: options['phoneNumberId'] ?? null,
        };
      });
    },
    slack,
    telegram,
    whatsapp,
  });
}

async function isTenant(control: Infrastructure['store']['control'], tenant: string): Promise<boolean> {
  if (tenant === '*') return false;
  const [row] = await control`select 1 from mandate.tenant where tenant = ${tenant}`;
  return row !== undefined;
}

// One try: the message is written out, handed to whatever sends it, and waited for no longer than the channel may take.
// Whatever goes wrong is an answer, so that a try never ends without one.
import type { ChannelSetting } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { readAnswer, refusedForGood, refusedForNow, unknown } from './answer.ts';
import { compose } from './compose.ts';
import type { Delivery } from './delivery-store.ts';
import { toHtml, toText } from './document.ts';
import type { ChannelAnswer, ChannelFunction, ChannelMessage } from './message.ts';
import { zoneOf } from './quiet.ts';
import type { Sender } from './sender.ts';

export interface AskingNeeds {
  readonly clock: Clock;
  readonly senderOf: (kind: ChannelSetting['kind']) => Sender | null;
  /** Functions that this process has registered for the tenant. */
  readonly functionOf: (tenant: string, channel: string) => ChannelFunction | null;
  /** The page on which this person decides; for nobody in particular the plain one. May hold a token, so it is stored nowhere. */
  readonly linkFor: (of: {
    readonly tenant: string;
    readonly approvalId: string;
    readonly user: string | null;
  }) => Promise<string>;
  /** Where whoever gets the message reads what it is about. Holds a token, so it is stored nowhere. */
  readonly readingUrl: (of: {
    readonly tenant: string;
    readonly kind: 'act' | 'incident' | 'report';
    readonly id: string;
  }) => string;
  readonly failed: (error: unknown, what: string) => void;
}

/** Sends one message over its channel; never throws. `closing` cuts it off. */
export type Ask = (
  tenant: string,
  delivery: Delivery,
  on: { readonly setting: ChannelSetting; readonly closing: AbortSignal },
) => Promise<ChannelAnswer>;

export function createAsk(needs: AskingNeeds): Ask {
  const { clock } = needs;

  function senderFor(
    tenant: string,
    channel: string,
    { kind }: ChannelSetting,
  ): ((...of: Parameters<Sender>) => Promise<unknown>) | null {
    if (kind !== 'function') return needs.senderOf(kind);
    const fn = needs.functionOf(tenant, channel);
    return fn === null ? null : async (message, _setting, signal) => fn(message, signal);
  }

  async function messageOf(
    tenant: string,
    delivery: Delivery,
    setting: ChannelSetting,
  ): Promise<ChannelMessage> {
    const { content, id, user } = delivery;
    const link =
      content.kind === 'approval'
        ? await needs.linkFor({ tenant, approvalId: content.approvalId, user })
        : null;
    const document = compose(content, {
      zone: zoneOf(setting.quiet),
      actUrl: (actId) => needs.readingUrl({ tenant, kind: 'act', id: actId }),
      incidentUrl: (incidentId) => needs.readingUrl({ tenant, kind: 'incident', id: incidentId }),
      reportUrl: (reportId) => needs.readingUrl({ tenant, kind: 'report', id: reportId }),
      approvalUrl: link,
      sentAgain: delivery.inDoubt,
      id,
    });
    return {
      id,
      tenant,
      channel: delivery.channel,
      kind: content.kind,
      urgent: delivery.urgent,
      to: delivery.recipient,
      user,
      subject: document.subject,
      text: toText(document),
      html: toHtml(document),
      blocks: document.blocks,
      content,
      link,
      sentAgain: delivery.inDoubt,
      attempt: delivery.tries,
      atMs: delivery.createdMs,
    };
  }

  async function within(
    { timeoutMs }: ChannelSetting,
    closing: AbortSignal,
    send: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<ChannelAnswer> {
    const cut = new AbortController();
    const late = Promise.withResolvers<ChannelAnswer>();
    const cutOff = (why: string): void => {
      cut.abort();
      // A channel that hears of it may still say that nothing was sent, which is better to know; but it is not waited for.
      setImmediate(() => late.resolve(unknown(why)));
    };
    const close = (): void => cutOff('The process that sent it was closed.');
    closing.addEventListener('abort', close, { once: true });
    const cancel = clock.after(timeoutMs, () => cutOff(`No answer within ${timeoutMs / 1_000} s.`));
    try {
      return readAnswer(await Promise.race([send(cut.signal), late.promise]));
    } catch (error) {
      return unknown(wordsOf(error));
    } finally {
      cancel();
      closing.removeEventListener('abort', close);
    }
  }

  return async (tenant, delivery, { setting, closing }) => {
    const send = senderFor(tenant, delivery.channel, setting);
    if (send === null)
      return refusedForGood(
        `Nothing here sends over ${setting.kind}. Use another kind of channel, or register a function.`,
      );
    let message: ChannelMessage;
    try {
      message = await messageOf(tenant, delivery, setting);
    } catch (error) {
      needs.failed(error, `the message ${delivery.id} could not be written; it is tried again`);
      return refusedForNow(`The message could not be written: ${wordsOf(error)}`);
    }
    if (closing.aborted) return refusedForNow('The process that was to send it was closed.');
    return within(setting, closing, (signal) => send(message, setting, signal));
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

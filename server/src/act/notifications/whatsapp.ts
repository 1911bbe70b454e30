// WhatsApp over the Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages). Free messages
// are taken for a day after a person has written; at any other time only a template that Meta has approved is, and a
// template has room for one line. So outside of that day people are asked with a link, or with what fits that line.
import type { ChannelSetting, JsonObject } from '@mandate/kernel';
import { askedText, cut, cutLines, factsOf } from './asked.ts';
import type { AskedApproval } from './asked.ts';
import { plain } from './document.ts';
import type { ChannelAnswer, ChannelMessage } from './message.ts';
import {
  apiOf,
  callProvider,
  recordOf,
  readAnswer,
  refused,
  retryAfterMs,
  rubbishAnswer,
  textOf,
  tokenOf,
  within,
} from './provider.ts';
import type { ProviderAnswer, ProviderJson, ProviderNeeds } from './provider.ts';
import { questionOf } from './question.ts';
import type { Question, QuestionNeeds } from './question.ts';
import { zoneOf } from './quiet.ts';
import type { Sender } from './sender.ts';

const WHATSAPP_API = 'https://graph.facebook.com/v24.0';
/** The option that names the app secret, with which Meta signs what it sends. */
export const WHATSAPP_PROOF = 'appSecret';
/** More than 24 hours have passed since the person wrote. */
export const WINDOW_CLOSED = 131_047;

const BODY_MAX = 1_000;
const TEXT_MAX = 4_000;
/** A template's body takes 1,024 characters, some of which are its own. */
const LINE_MAX = 800;

export interface WhatsappNeeds extends ProviderNeeds, QuestionNeeds {
  /** Whether the person has written to us within the last day. */
  readonly isWindowOpen: (of: WhatsappNumber) => Promise<boolean>;
  /** WhatsApp says that it is not. */
  readonly closeWindow: (of: WhatsappNumber) => Promise<void>;
}

/** Whom a channel writes to. */
export interface WhatsappNumber {
  readonly tenant: string;
  readonly channel: string;
  /** Digits only. */
  readonly number: string;
}

export function createWhatsapp(needs: WhatsappNeeds): Sender {
  return async (message, setting, signal) => {
    const number = digitsOf(message.to);
    const question = await questionOf(message, { setting, proof: WHATSAPP_PROOF, needs });
    const whom = { tenant: message.tenant, channel: message.channel, number };
    const template = setting.options['template'] ?? null;
    const body =
      template === null || (await needs.isWindowOpen(whom))
        ? freeBody(message, setting, question)
        : templateBody({ message, setting, question, template });
    const answer = await callWhatsapp(needs, { setting, to: number, body, signal });
    if (codeOf(answer) !== WINDOW_CLOSED) return readAnswer('WhatsApp', answer, readJson);
    if (template === null)
      return refused(
        'The person has not written to this number for a day, so WhatsApp takes only a template. Name one under options.template.',
        true,
      );
    await needs.closeWindow(whom);
    return refused('WhatsApp takes only a template for this person now; the next try is one.');
  };
}

/** WhatsApp names people by their number in digits. */
function digitsOf(number: string): string {
  return number.replaceAll(/\D/g, '');
}

function freeBody(message: ChannelMessage, setting: ChannelSetting, question: Question | null): JsonObject {
  if (question === null) return textBody(message.text);
  const { heading, notes, asked, values } = question;
  const { link } = message;
  const whole = { heading: [...notes, heading].join('\n'), asked, zone: zoneOf(setting.quiet) };
  const { text, isWhole } = askedText(whole, { link, max: BODY_MAX });
  if (values === null || !asked.isOpen) return textBody(askedText(whole, { link, max: TEXT_MAX }).text);
  return {
    type: 'interactive',
    interactive: {
      type: 'button',
      body: { text },
      action: {
        buttons: [
          ...(isWhole ? [replyButton('Approve', values.approve)] : []),
          replyButton('Deny', values.deny),
        ],
      },
    },
  };
}

function replyButton(title: string, id: string): JsonObject {
  return { type: 'reply', reply: { id, title } };
}

export function textBody(text: string): JsonObject {
  return { type: 'text', text: { preview_url: false, body: cutLines(text, TEXT_MAX) } };
}

/** With buttons only where the template has them (`approvalTemplate`) and one line shows everything. */
function templateBody({
  message: { subject, link },
  setting: { options, quiet },
  question,
  template,
}: {
  readonly message: ChannelMessage;
  readonly setting: ChannelSetting;
  readonly question: Question | null;
  readonly template: string;
}): JsonObject {
  const withButtons = options['approvalTemplate'];
  const values = question?.asked.isOpen === true ? question.values : null;
  const whole = question === null ? null : wholeLine(question.asked, zoneOf(quiet));
  const usesButtons =
    withButtons !== undefined && values !== null && whole !== null && whole.length <= LINE_MAX;
  const line = usesButtons
    ? whole
    : `${cut(plain(subject), 500)}${link === null ? '' : ` Look at it and decide: ${link}`}`;
  const components: JsonObject[] = [
    { type: 'body', parameters: [{ type: 'text', text: line }] },
    ...(usesButtons ? [quickReply(0, values.approve), quickReply(1, values.deny)] : []),
  ];
  return {
    type: 'template',
    template: {
      name: usesButtons ? withButtons : template,
      language: { code: options['templateLanguage'] ?? 'en' },
      components,
    },
  };
}

/** Parameters of templates have no line breaks and no wide spaces. */
function wholeLine(asked: AskedApproval, zone: string): string {
  const { lines, small } = factsOf(asked, zone);
  const facts = lines.map(([name, value]) => `${name}: ${value}`).join('; ');
  return plain(`${facts}; ${JSON.stringify(asked.display)} (${small})`, 4_000);
}

function quickReply(index: number, payload: string): JsonObject {
  return {
    type: 'button',
    sub_type: 'quick_reply',
    index: String(index),
    parameters: [{ type: 'payload', payload }],
  };
}

export async function callWhatsapp(
  { post, secrets }: ProviderNeeds,
  of: {
    readonly setting: ChannelSetting;
    readonly to: string;
    readonly body: JsonObject;
    readonly signal: AbortSignal;
  },
): Promise<ProviderAnswer> {
  const { setting, to, body, signal } = of;
  const token = tokenOf(setting, secrets, 'the access token of the system user');
  if (typeof token !== 'string') return token;
  const from = setting.options['phoneNumberId'] ?? '';
  if (!/^\d+$/.test(from))
    return refused('The channel does not say from which number it sends: options.phoneNumberId.');
  return callProvider(post, {
    setting,
    url: `${apiOf(setting, WHATSAPP_API)}/${from}/messages`,
    token,
    bearer: true,
    body: { messaging_product: 'whatsapp', recipient_type: 'individual', to, ...body },
    signal,
  });
}

/** Too much at once, or Meta is not well: later it may go through (error codes of the Cloud API). */
const LATER: ReadonlySet<number> = new Set([
  0, 2, 3, 4, 10, 33, 190, 368, 80_007, 130_429, 131_005, 131_016, 131_042, 131_048, 131_056, 131_057,
  132_015, 133_004, 133_010,
]);
/** Nobody says whether it went through before this happened. */
const UNSURE: ReadonlySet<number> = new Set([1, 131_000]);

function readJson({ status, headers, value }: ProviderJson): ChannelAnswer {
  const error = recordOf(value['error']);
  if (error === null) {
    const messages = value['messages'];
    const id = Array.isArray(messages) ? textOf(recordOf(messages[0])?.['id']) : '';
    return status >= 200 && status < 300 && id !== ''
      ? { kind: 'accepted', reference: id }
      : rubbishAnswer('WhatsApp', { kind: 'rubbish', status, headers });
  }
  const code = Number(textOf(error['code']) || Number.NaN);
  const said = errorText(error);
  if (UNSURE.has(code)) return { kind: 'unknown', error: said };
  if (status === 429 || LATER.has(code)) return refused(said, false, retryAfterMs(headers));
  if (status >= 500) return { kind: 'unknown', error: said };
  return refused(said, !Number.isNaN(code));
}

function codeOf(answer: ProviderAnswer): number {
  return answer.kind === 'json'
    ? Number(textOf(within(answer.value, 'error')['code']) || Number.NaN)
    : Number.NaN;
}

/** `WhatsApp 131047: Re-engagement message. Message failed to send because …` */
function errorText(error: Readonly<Record<string, unknown>>): string {
  const details = textOf(within(error, 'error_data')['details']);
  const message = textOf(error['message']) || textOf(error['title']);
  return cut(`WhatsApp ${textOf(error['code'])}: ${message}${details === '' ? '' : `. ${details}`}`, 400);
}

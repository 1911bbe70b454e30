// What is said in the chat once a press has been decided: to the person alone why it did not count, and to everybody who
// sees the message who has decided it. The vote stands whether or not any of this arrives.
import type { ChannelSetting, JsonObject } from '@mandate/kernel';
import { cut } from './asked.ts';
import type { Buttons } from './button.ts';
import type { ProviderAnswer, ProviderNeeds } from './provider.ts';
import type { Pressed } from './presses.ts';
import { headingOf, valuesFor } from './question.ts';
import { zoneOf } from './quiet.ts';
import { questionBlocks, escaped } from './slack-blocks.ts';
import { replyToSlack } from './slack.ts';
import { callTelegram, questionBody } from './telegram.ts';
import { callWhatsapp, textBody } from './whatsapp.ts';

export interface PressAnswerNeeds extends ProviderNeeds {
  readonly buttons: Buttons;
}

/** A press that was decided, and the channel to answer over. */
export interface Decided {
  readonly tenant: string;
  readonly setting: ChannelSetting;
  readonly pressed: Pressed;
  readonly signal: AbortSignal;
}

export interface PressAnswers {
  /** Each answers with what went wrong; null where nothing did. */
  slack(of: Decided, responseUrl: string): Promise<string | null>;
  telegram(
    of: Decided,
    query: {
      readonly id: string;
      readonly sender: string;
      readonly message: { readonly chatId: number; readonly messageId: number } | null;
    },
  ): Promise<string | null>;
  whatsapp(of: Decided, press: { readonly id: string; readonly sender: string }): Promise<string | null>;
}

/** An answer to a callback query takes 200 characters. */
const TOAST_MAX = 190;

export function createPressAnswers(needs: PressAnswerNeeds): PressAnswers {
  return {
    async slack({ tenant, setting, pressed, signal }, url) {
      const { asked, said, isCounted, link } = pressed;
      const send = (body: JsonObject): Promise<string | null> =>
        replyToSlack(needs.post, { setting, url, body, signal });
      const redrawn =
        asked === null
          ? null
          : await send({
              replace_original: true,
              text: escaped(cut(asked.decided ?? asked.title, 1_000)),
              blocks: [
                ...questionBlocks({
                  heading: headingOf(asked),
                  asked,
                  zone: zoneOf(setting.quiet),
                  values: valuesOf(needs.buttons, tenant, pressed),
                  link: null,
                  notes: [],
                }),
              ],
            });
      const told =
        isCounted && asked?.isOpen !== true
          ? null
          : await send({
              response_type: 'ephemeral',
              replace_original: false,
              text: escaped(saidWithLink(said, link)),
            });
      return redrawn ?? told;
    },

    async telegram({ tenant, setting, pressed, signal }, { id, sender, message }) {
      const { asked, said, isCounted, link } = pressed;
      const call = (method: string, body: JsonObject): Promise<ProviderAnswer> =>
        callTelegram(needs, { setting, method, body, signal });
      const answered = await call('answerCallbackQuery', {
        callback_query_id: id,
        text: cut(said, TOAST_MAX),
        show_alert: !isCounted,
      });
      // A toast has no room for a link, and is gone.
      const whole = saidWithLink(said, link);
      const told = whole.length <= TOAST_MAX ? null : await call('sendMessage', personal(sender, whole));
      const edited =
        asked === null || message === null
          ? null
          : await call('editMessageText', {
              chat_id: message.chatId,
              message_id: message.messageId,
              link_preview_options: { is_disabled: true },
              ...questionBody({
                heading: headingOf(asked),
                asked,
                zone: zoneOf(setting.quiet),
                notes: [],
                values: valuesOf(needs.buttons, tenant, pressed),
                link: null,
              }),
            });
      return problemOf(answered) ?? problemOf(told) ?? problemOf(edited, 'message is not modified');
    },

    async whatsapp({ setting, pressed, signal }, { id, sender }) {
      const text = saidWithLink(pressed.said, pressed.link);
      const body = { context: { message_id: id }, ...textBody(text) };
      return problemOf(await callWhatsapp(needs, { setting, to: sender, body, signal }));
    },
  };
}

/** The message keeps its buttons while it can be decided, made for whom they were made before. */
function valuesOf(
  buttons: Buttons,
  tenant: string,
  { asked, holder }: Pressed,
): { readonly approve: string; readonly deny: string } | null {
  return asked === null || !asked.isOpen ? null : valuesFor(buttons, { tenant, asked, user: holder });
}

function personal(sender: string, text: string): JsonObject {
  return { chat_id: sender, text, link_preview_options: { is_disabled: true } };
}

function saidWithLink(said: string, link: string | null): string {
  return link === null ? said : `${said}\nLook at it and decide: ${link}`;
}

/** `fine` is a complaint that is none: a message that looks as it should already. */
function problemOf(answer: ProviderAnswer | null, fine = ''): string | null {
  if (answer === null) return null;
  if (answer.kind === 'refused' || answer.kind === 'unknown') return answer.error;
  if (answer.kind === 'rubbish') return `It answered HTTP ${answer.status} with rubbish.`;
  if (answer.status >= 200 && answer.status < 300) return null;
  const said = JSON.stringify(answer.value).slice(0, 300);
  return fine !== '' && said.includes(fine) ? null : `HTTP ${answer.status}: ${said}`;
}

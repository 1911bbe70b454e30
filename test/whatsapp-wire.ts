// WhatsApp's Cloud API as far as it meets us: it knows the window of 24 hours and templates, refuses what Meta would refuse,
// and signs what it sends as Meta does, with code of its own (https://developers.facebook.com/docs/graph-api/webhooks/getting-started).
import { createHmac } from 'node:crypto';
import type { Closing } from './closing.ts';
import { openWire, sendJson } from './wire.ts';
import type { WireAnswer } from './wire.ts';

export const WHATSAPP_TOKEN = 'EAAJB0123456789wire';
export const WHATSAPP_SECRET = 'f8a1c5d2e3b40123456789abcdef0123';
export const WHATSAPP_VERIFY = 'a-verify-token-0123456789';
export const PHONE_NUMBER_ID = '106540352242922';

type Json = Record<string, unknown>;

export interface WhatsappMessage {
  readonly id: string;
  readonly to: string;
  readonly type: string;
  /** What a reader sees: the body, or the one parameter of the template. */
  readonly text: string;
  readonly template: string | null;
  /** Titles and what they carry; of a template by index. */
  readonly buttons: readonly { readonly title: string; readonly value: string }[];
  readonly replyTo: string | null;
}

export interface SignedRequest {
  readonly raw: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface WhatsappWire {
  readonly url: string;
  readonly messages: WhatsappMessage[];
  readonly faults: WireAnswer[];
  /** Numbers that have written within a day; other numbers get templates only. */
  readonly open: Set<string>;
  press(
    message: WhatsappMessage,
    of: { readonly button: string; readonly from: string; readonly id?: string },
  ): SignedRequest;
  writes(from: string): SignedRequest;
  fails(message: WhatsappMessage, code: number, title: string): SignedRequest;
}

export async function openWhatsappWire(t: Closing): Promise<WhatsappWire> {
  const messages: WhatsappMessage[] = [];
  const faults: WireAnswer[] = [];
  const open = new Set<string>();
  let ids = 0;
  const wire = await openWire(t, (request, response) => {
    const fault = faults.shift();
    if (fault !== undefined) return fault(request, response);
    const fail = (status: number, code: number, message: string): void =>
      sendJson(response, status, {
        error: {
          message: `(#${code}) ${message}`,
          type: 'OAuthException',
          code,
          error_data: { messaging_product: 'whatsapp', details: message },
          fbtrace_id: 'x',
        },
      });
    if (request.path !== `/v24.0/${PHONE_NUMBER_ID}/messages`)
      return fail(400, 100, 'Unsupported post request');
    if (request.headers.authorization !== `Bearer ${WHATSAPP_TOKEN}`)
      return fail(401, 190, 'Invalid OAuth access token');
    const { messaging_product: product, to, type, context } = request.json;
    if (product !== 'whatsapp' || typeof to !== 'string' || !/^\d{8,15}$/.test(to))
      return fail(400, 100, 'Invalid parameter');
    if (type !== 'template' && !open.has(to)) return fail(400, 131_047, 'Re-engagement message');
    const read = readMessage(request.json);
    if (typeof read === 'string') return fail(400, 131_009, read);
    ids += 1;
    const id = `wamid.${Buffer.from(String(ids)).toString('base64')}`;
    const replyTo = (context as { message_id?: string } | undefined)?.message_id ?? null;
    messages.push({ id, to, type: String(type), ...read, replyTo });
    sendJson(response, 200, {
      messaging_product: 'whatsapp',
      contacts: [{ input: to, wa_id: to }],
      messages: [{ id }],
    });
  });
  const news = (value: Json): SignedRequest =>
    signWhatsapp({
      object: 'whatsapp_business_account',
      entry: [
        {
          id: '102290129340398',
          changes: [
            {
              field: 'messages',
              value: {
                messaging_product: 'whatsapp',
                metadata: { display_phone_number: '15550783881', phone_number_id: PHONE_NUMBER_ID },
                ...value,
              },
            },
          ],
        },
      ],
    });
  const stamp = (): string => String(Math.floor(Date.now() / 1_000));
  return {
    url: `${wire.url}/v24.0`,
    messages,
    faults,
    open,
    press({ id: replied, template, buttons }, { button, from, id }) {
      const pressed = buttons.find(({ title }) => title === button);
      if (pressed === undefined) throw new Error(`the message has no button ${button}`);
      ids += 1;
      const said =
        template === null
          ? {
              type: 'interactive',
              interactive: { type: 'button_reply', button_reply: { id: pressed.value, title: button } },
            }
          : { type: 'button', button: { payload: pressed.value, text: button } };
      const message = {
        context: { from: '15550783881', id: replied },
        from,
        id: id ?? `wamid.in.${ids}`,
        timestamp: stamp(),
      };
      return news({ contacts: [{ wa_id: from }], messages: [{ ...message, ...said }] });
    },
    writes(from) {
      ids += 1;
      return news({
        messages: [{ from, id: `wamid.in.${ids}`, timestamp: stamp(), type: 'text', text: { body: 'hi' } }],
      });
    },
    fails: ({ id, to }, code, title) =>
      news({
        statuses: [
          {
            id,
            status: 'failed',
            timestamp: stamp(),
            recipient_id: to,
            errors: [{ code, title, error_data: { details: title } }],
          },
        ],
      }),
  };
}

export function signWhatsapp(body: unknown, secret = WHATSAPP_SECRET): SignedRequest {
  const raw = JSON.stringify(body);
  const signature = createHmac('sha256', secret).update(raw).digest('hex');
  return {
    raw,
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` },
  };
}

type Shown = Pick<WhatsappMessage, 'text' | 'template' | 'buttons'>;

/** As text what is wrong with it. */
function readMessage({ type, text, interactive, template }: Json): Shown | string {
  if (type === 'text') {
    const { body } = text as { body: string };
    return body.length > 4_096 ? 'Text too long' : { text: body, template: null, buttons: [] };
  }
  if (type === 'interactive') {
    const { body, action } = interactive as {
      body: { text: string };
      action: { buttons: readonly { reply: { id: string; title: string } }[] };
    };
    const buttons = action.buttons.map(({ reply }) => ({ title: reply.title, value: reply.id }));
    if (body.text.length > 1_024) return 'Body text too long';
    if (buttons.length < 1 || buttons.length > 3) return 'Invalid buttons count';
    if (buttons.some(({ title, value }) => title.length > 20 || value.length > 256)) return 'Button too long';
    return { text: body.text, template: null, buttons };
  }
  const { name, language, components } = template as {
    name: string;
    language: { code: string };
    components: readonly { type: string; sub_type?: string; index?: string; parameters: readonly Json[] }[];
  };
  if (language.code !== 'en') return 'Template does not exist in the translation';
  const [first] = components.find((each) => each.type === 'body')?.parameters ?? [];
  const line = String(first?.['text']);
  if (/[\n\t]| {5}/.test(line))
    return 'Param text cannot have new-line/tab characters or more than 4 consecutive spaces';
  if (line.length > 1_000) return 'Template text too long';
  const titles = ['Approve', 'Deny'];
  const buttons = components
    .filter((each) => each.sub_type === 'quick_reply')
    .map(({ index, parameters }) => ({
      title: titles[Number(index)] ?? '?',
      value: String(parameters[0]?.['payload']),
    }));
  return { text: line, template: name, buttons };
}

// What Slack sends when somebody presses a button: a form with one JSON field, signed over its bytes and the time
// (https://docs.slack.dev/authentication/verifying-requests-from-slack,
// https://docs.slack.dev/reference/interaction-payloads/block_actions-payload).
import { z } from 'zod';
import { hmacSha256, isEqualSecret } from '../../platform/crypto/hash.ts';
import { headerOf, jsonOf, provenBy, unproven, unreadable } from './inbound.ts';
import type { Inbound, Read, SlackPress } from './inbound.ts';

const WINDOW_S = 300;
const MINE = /^mandate\.(approve|deny)$/;

const shape = z.object({
  type: z.literal('block_actions'),
  user: z.object({ id: z.string().max(64) }),
  trigger_id: z.string().min(1).max(500),
  response_url: z.string().max(2_000).optional(),
  actions: z
    .array(
      z.object({
        action_id: z.string(),
        action_ts: z.string().max(64).optional(),
        value: z.string().max(2_000).optional(),
      }),
    )
    .min(1),
});

export function readSlack(inbound: Inbound): Read<SlackPress> {
  const { body, channels, nowMs } = inbound;
  const timestamp = headerOf(inbound, 'x-slack-request-timestamp') ?? '';
  const signature = headerOf(inbound, 'x-slack-signature') ?? '';
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(nowMs / 1_000 - Number(timestamp)) > WINDOW_S)
    return unproven(
      'X-Slack-Request-Timestamp is missing, or more than five minutes from the time here. Look at the clocks.',
    );
  const proven = provenBy(channels, (secret) =>
    isEqualSecret(
      `v0=${Buffer.from(hmacSha256(Buffer.from(secret), `v0:${timestamp}:`, body)).toString('hex')}`,
      signature,
    ),
  );
  if (proven.length === 0)
    return unproven('X-Slack-Signature does not fit. Look at the signing secret of the app.');
  const payloads = new URLSearchParams(Buffer.from(body).toString('utf8')).getAll('payload');
  const [payload] = payloads;
  if (payload === undefined || payloads.length > 1)
    return unreadable('The form has not exactly one field payload.');
  const read = shape.safeParse(jsonOf(payload));
  const action = read.success ? read.data.actions.find(({ action_id: id }) => MINE.test(id)) : undefined;
  // Other kinds of interaction, and buttons that are not ours, are nobody's fault.
  if (!read.success || action === undefined) return { kind: 'nothing' };
  const { user, trigger_id: trigger, response_url: responseUrl } = read.data;
  return {
    kind: 'read',
    value: {
      channels: proven.map(({ name }) => name),
      id: `${trigger}/${action.action_ts ?? ''}`,
      sender: user.id,
      value: action.value ?? '',
      responseUrl: responseUrl ?? null,
    },
  };
}

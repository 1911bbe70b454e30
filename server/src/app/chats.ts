// What goes out to Slack, Telegram and WhatsApp is handed approvals in words, and buttons that are bound to them.
// Notifications know nothing of approvals; they meet here.
import type { Infrastructure } from '../infrastructure.ts';
import { createPost } from '../act/executors/notice-post.ts';
import type { AskedApproval } from '../act/notifications/asked.ts';
import { createButtons } from '../act/notifications/button.ts';
import type { PressNeeds } from '../act/notifications/presses.ts';
import { createSlack } from '../act/notifications/slack.ts';
import { createTelegram } from '../act/notifications/telegram.ts';
import { createWhatsapp } from '../act/notifications/whatsapp.ts';
import { closeWindow, isWindowOpen } from '../act/notifications/whatsapp-store.ts';
import type { Approval } from '../decide/approvals/approval.ts';
import { causesInWords, needsInWords } from '../decide/approvals/words.ts';
import { readSecret } from '../platform/config/secrets.ts';
import type { Judgement } from './judgement.ts';

export function buildChats(
  { config, clock, scrubber, masterKeys, store }: Infrastructure,
  { approvals }: Pick<Judgement, 'approvals'>,
) {
  const post = createPost();
  const buttons = createButtons(masterKeys);
  const secrets = (name: string): string | null => {
    const secret = readSecret(config.dataDir, name);
    // Telegram has its token in every address: no log line may hold it, whatever fails.
    if (secret !== null) scrubber.know(secret);
    return secret;
  };
  const ask: PressNeeds['ask'] = async (tenant, id) => {
    const approval = await approvals.find(tenant, id);
    return approval === null ? null : askedOf(approval, clock.nowMs());
  };
  const needs = { post, secrets, buttons, ask };
  return {
    ...needs,
    senders: {
      slack: createSlack(needs),
      telegram: createTelegram(needs),
      whatsapp: createWhatsapp({
        ...needs,
        isWindowOpen: (of) => store.withTenant(of.tenant, (tx) => isWindowOpen(tx, of, clock.nowMs())),
        closeWindow: (of) => store.withTenant(of.tenant, (tx) => closeWindow(tx, of)),
      }),
    },
  };
}

function askedOf(approval: Approval, nowMs: number): AskedApproval {
  const expiresMs = Date.parse(approval.expiresAt);
  return {
    id: approval.id,
    digest: approval.digest,
    title: approval.title,
    agent: approval.agent,
    action: approval.action,
    display: approval.display,
    requester: approval.requester,
    why: causesInWords(approval.causes),
    needs: needsInWords(approval),
    expiresMs,
    isOpen: approval.status === 'pending' && expiresMs > nowMs,
    decided: decidedInWords(approval, expiresMs <= nowMs),
  };
}

function decidedInWords({ status, votes, endedWhy, replacedBy }: Approval, isLate: boolean): string | null {
  const said = votes
    .map(
      ({ decision, as, reason }) =>
        `${decision === 'approve' ? 'Approved' : 'Denied'} by ${as}${reason === null ? '' : `: ${reason}`}.`,
    )
    .join(' ');
  switch (status) {
    case 'approved':
    case 'used':
    case 'denied':
      return said === '' ? `It was ${status}.` : said;
    case 'expired':
      return 'Nobody decided in time. Whoever needs it has to ask again.';
    case 'cancelled':
      return replacedBy === null
        ? `It was withdrawn${endedWhy === null ? '' : `: ${endedWhy}`}.`
        : 'It was edited: the action as it was changed has an approval of its own. Read the new message, or mandate inbox, and decide that one.';
    case 'pending':
      if (isLate) return 'Nobody decided in time. Whoever needs it has to ask again.';
      return said === '' ? null : `So far: ${said}`;
  }
}

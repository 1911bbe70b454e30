// What every chat needs before it can ask for a decision: the approval as it stands now, the values of its buttons, and
// whether presses come back at all. Where they do not, or nothing is open any more, there are no buttons.
import type { ChannelSetting } from '@mandate/kernel';
import type { AskedApproval } from './asked.ts';
import type { Buttons } from './button.ts';
import type { ApprovalContent, ChannelMessage } from './message.ts';
import { plain } from './document.ts';

export interface QuestionNeeds {
  readonly buttons: Buttons;
  /** null where there is no such approval. */
  readonly ask: (tenant: string, approvalId: string) => Promise<AskedApproval | null>;
  /** null when no secret of that name exists. */
  readonly secrets: (name: string) => string | null;
}

export interface Question {
  readonly asked: AskedApproval;
  readonly heading: string;
  readonly notes: readonly string[];
  readonly values: { readonly approve: string; readonly deny: string } | null;
}

/** null for everything that asks for no decision. `proof` is the option that names what proves a press. */
export async function questionOf(
  { tenant, user, content, sentAgain, id }: ChannelMessage,
  {
    setting,
    proof,
    needs,
  }: { readonly setting: ChannelSetting; readonly proof: string; readonly needs: QuestionNeeds },
): Promise<Question | null> {
  if (content.kind !== 'approval') return null;
  const asked = await needs.ask(tenant, content.approvalId);
  if (asked === null) return null;
  return {
    asked,
    heading: headingOf(asked),
    notes: [...noteOf(content), ...(sentAgain ? [`Sent again: this may be a copy. Message id ${id}.`] : [])],
    values: takesPresses(setting, proof, needs.secrets)
      ? valuesFor(needs.buttons, { tenant, asked, user })
      : null,
  };
}

export function headingOf({ agent, action, title }: AskedApproval): string {
  return plain(agent === '' ? title : `${agent} asks for ${action}`, 150);
}

export function valuesFor(
  buttons: Buttons,
  {
    tenant,
    asked,
    user,
  }: { readonly tenant: string; readonly asked: AskedApproval; readonly user: string | null },
): { readonly approve: string; readonly deny: string } {
  const of = { tenant, approvalId: asked.id, digest: asked.digest, user };
  return {
    approve: buttons.valueFor({ ...of, decision: 'approve' }),
    deny: buttons.valueFor({ ...of, decision: 'deny' }),
  };
}

/** Whether the secret is there without which no press could be believed. */
function takesPresses(
  { options }: ChannelSetting,
  proof: string,
  secrets: QuestionNeeds['secrets'],
): boolean {
  const name = options[proof];
  return name !== undefined && secrets(name) !== null;
}

function noteOf({ escalated }: ApprovalContent): readonly string[] {
  return escalated ? ['Nobody has decided in time, so it is your turn now.'] : [];
}

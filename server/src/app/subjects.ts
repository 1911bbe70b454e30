// What people decide besides actions, each with what becomes of it: an agent is let go on, a stop is lifted, a charter
// takes force. The modules know nothing of each other; the mechanism and what it carries out meet here.
import type { JsonObject } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import type { AskUnfreeze } from '../decide/agents/routes.ts';
import { resumeSubject } from '../decide/approvals/agreement.ts';
import type { Approval } from '../decide/approvals/approval.ts';
import { digestOfSubject } from '../decide/approvals/subject.ts';
import type { AppliedApproval, Subject } from '../decide/approvals/subject.ts';
import type { AskChange } from '../decide/charter/routes.ts';
import type { CharterSource } from '../decide/charter/charter.ts';
import { renderError } from '../decide/charter/error.ts';
import { liftAgreed } from '../decide/restrictions/resume.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { Judgement } from './judgement.ts';

export interface Gates {
  readonly askUnfreeze: AskUnfreeze;
  readonly askChange: AskChange;
}

/** Registers what the shipped subjects lead to, and answers with what asks people first. */
export function registerSubjects({ store, clock }: Infrastructure, judgement: Judgement): Gates {
  const { agents, approvals, charters, registerSubject } = judgement;
  registerSubject(
    'resume',
    resumeSubject((tx, agreed) => liftAgreed(tx, agreed, writeEntry)),
  );
  registerSubject('unfreeze', unfreezing(judgement));
  registerSubject('charter', changing(judgement));
  return {
    async askUnfreeze({ tenant, agent, reason, by, user, traceId }) {
      const needs = await approvals.needsOf(tenant, 'unfreeze');
      if (needs === null) return { kind: 'free', freezes: null };
      return store.withTenant(tenant, async (tx) => {
        const freezes = await agents.freezesIn(tx, tenant, agent);
        if (freezes.length === 0) return { kind: 'free', freezes };
        const content = { agent, freezes, reason };
        const approval = await approvals.open(tx, {
          ...needs,
          tenant,
          subject: 'unfreeze',
          digest: digestOfSubject(tenant, 'unfreeze', { agent, freezes }),
          title: `Unfreeze ${agent}`,
          display: { agent, reason, freezes },
          content,
          requester: by,
          requesterUser: user,
          agent,
          causes: ['charter:approvals.unfreeze'],
          expiresMs: clock.nowMs() + needs.expiresMs,
          traceId,
        });
        return refOf(approval);
      });
    },

    async askChange({ principal, source, version, note, traceId }) {
      const { tenant } = principal;
      // Read before what it asks for: a charter that comes in between is not the base, and nothing happens over it.
      const base = await charters.activeVersion(tenant);
      const needs = await approvals.needsOf(tenant, 'charter');
      if (needs === null || base === version) return { kind: 'free', base };
      const content: JsonObject = { ...source, proposed: version, base, note, author: principal.id };
      return store.withTenant(tenant, async (tx) => {
        const approval = await approvals.open(tx, {
          ...needs,
          tenant,
          subject: 'charter',
          digest: digestOfSubject(tenant, 'charter', content),
          title: `Change the charter to ${version.slice(0, 12)}`,
          display: {
            from: base,
            to: version,
            note,
            ...(source.kind === 'text' ? { text: source.text } : { version: source.version }),
          },
          content,
          requester: principal.id,
          requesterUser: principal.user?.id ?? null,
          agent: null,
          causes: ['charter:approvals.charter'],
          expiresMs: clock.nowMs() + needs.expiresMs,
          traceId,
        });
        return refOf(approval);
      });
    },
  };
}

function refOf({ id, digest, expiresAt, requiredRoles, quorum }: Approval) {
  return { kind: 'asked' as const, approval: { id, digest, expiresAt, requiredRoles, quorum } };
}

function unfreezing({ agents }: Judgement): Subject {
  return {
    async apply(tx, approval) {
      const { tenant, agent, content, traceId } = approval;
      const asked = content['freezes'];
      const standing = await agents.freezesIn(tx, tenant, agent);
      if (!Array.isArray(asked) || standing.join() !== asked.join()) {
        const detail = `What freezes ${agent} is no longer what this was asked for. Look at the agent, and ask again.`;
        return { kind: 'refused', detail };
      }
      const reason = textOf(content['reason']);
      await agents.unfreezeIn(tx, { tenant, agent, reason, by: lastVoter(approval), traceId }, standing);
      return { kind: 'applied' };
    },
  };
}

function changing({ charters }: Judgement): Subject {
  return {
    async apply(tx, approval) {
      const { tenant, content } = approval;
      const done = await charters.activateIn(tx, {
        tenant,
        source: sourceOf(content),
        author: textOf(content['author']),
        note: textOf(content['note']) || `approved by ${approval.approvedBy.join(' and ')}`,
        base: typeof content['base'] === 'string' ? content['base'] : null,
        proposed: textOf(content['proposed']),
      });
      if (done.kind === 'activated' || done.kind === 'unchanged') return { kind: 'applied' };
      const detail =
        done.kind === 'stale'
          ? `The charter has been changed since this was asked (now ${done.active ?? 'none'}), so it would undo what somebody else did. Propose it again on what is in force now.`
          : `The charter can no longer be read as it was approved: ${done.problems.map(renderError).join(' ')}`;
      return { kind: 'refused', detail };
    },
  };
}

function sourceOf(content: JsonObject): CharterSource {
  return content['kind'] === 'version'
    ? { kind: 'version', version: textOf(content['version']) }
    : { kind: 'text', text: textOf(content['text']) };
}

function lastVoter({ votes, requester }: AppliedApproval): string {
  return votes.at(-1)?.by ?? requester;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

// Lifting a stop where the charter asks for two persons: whoever says resume agrees, which is a vote on the approval of
// exactly the stops that stand. It needs no server, so it takes whatever transaction its caller has.
import { DEFAULT_APPROVALS, redactText } from '@mandate/kernel';
import type { JsonObject } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import { createCast } from './cast.ts';
import { createOpening } from './open.ts';
import { votesOf } from './store.ts';
import { digestOfSubject } from './subject.ts';
import type { Applied, Subject } from './subject.ts';

/** One person's wish to lift exactly this. */
export interface Wish {
  readonly tenant: string;
  readonly scope: string;
  /** What is to be lifted: whoever agrees agrees to just this. */
  readonly content: JsonObject;
  /** What was agreed before this is no agreement to it; null: nothing tells how old it is. */
  readonly sinceMs: number | null;
  readonly by: string;
  readonly roles: readonly string[];
  readonly reason: string;
  /** How long the first person's agreement waits for the second. */
  readonly waitsMs: number;
  readonly traceId: string | null;
}

/** `agreed`: enough have, and it has been lifted in this transaction. `waits`: another person has to. */
export type Agree = (
  tx: Tx,
  wish: Wish,
) => Promise<{ readonly kind: 'agreed' } | { readonly kind: 'waits'; readonly approval: string }>;

export interface AgreementNeeds {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
  readonly lift: LiftAgreed;
}

/** Lifts what was agreed to, or says what stands in its way. `by` and `reason` are those of the vote that decided. */
export type LiftAgreed = (
  tx: Tx,
  agreed: {
    readonly tenant: string;
    readonly content: JsonObject;
    readonly by: string;
    readonly reason: string;
    readonly nowMs: number;
    readonly traceId: string | null;
  },
) => Promise<Applied>;

/** The subject `resume`: also a vote in the inbox can be the second agreement. */
export function resumeSubject(lift: LiftAgreed): Subject {
  return {
    apply(tx, { tenant, content, display, votes, requester, nowMs, traceId }) {
      const last = votes.at(-1);
      const asked =
        typeof display === 'object' && display !== null && 'reason' in display ? display['reason'] : null;
      const reason = last?.reason ?? (typeof asked === 'string' ? asked : 'agreed by two persons');
      return lift(tx, { tenant, content, by: last?.by ?? requester, reason, nowMs, traceId });
    },
  };
}

/** Who may resume may agree to it; an admin always may. */
const RESUME_ROLES: readonly string[] = ['operator', 'tech-lead', 'ops-lead'];
const PERSONS = 2;

export function createAgreement({ clock, chance, writeEntry, lift }: AgreementNeeds): Agree {
  const opening = createOpening({ clock, chance, writeEntry });
  const subject = resumeSubject(lift);
  const cast = createCast({ clock, chance, writeEntry, subjectOf: () => subject });

  return async (tx, { tenant, scope, content, sinceMs, by, roles, reason, waitsMs, traceId }) => {
    const digest = digestOfSubject(tenant, 'resume', content);
    // An agreement to what stood before is none to what stands now.
    const older = await tx<{ id: string }[]>`
      select id from mandate.approval where tenant = ${tenant} and subject = 'resume' and status = 'pending' and content ->> 'scope' = ${scope}
        and (digest <> ${digest} or created_at < ${new Date(sinceMs ?? 0)}) order by id`;
    const why = 'What stands has changed since this was asked; agree to what stands now.';
    for (const { id } of older) await opening.withdraw(tx, { tenant, id, why, by, traceId });
    const approval = await opening.open(tx, {
      tenant,
      subject: 'resume',
      digest,
      title: `Resume ${scope === 'tenant' ? 'everything' : scope}`,
      display: { scope, reason: redactText(reason), ...content },
      content,
      requester: by,
      requesterUser: null,
      agent: scope.startsWith('agent:') ? scope.slice('agent:'.length) : null,
      causes: ['stop:two-persons'],
      requiredRoles: [],
      voterRoles: RESUME_ROLES,
      quorum: PERSONS,
      // Whoever asks first is the first of the two.
      fourEyes: false,
      expiresMs: clock.nowMs() + waitsMs,
      escalate: [],
      traceId,
    });
    const votes = await votesOf(tx, tenant, approval.id);
    if (votes.some((vote) => vote.by === by)) return { kind: 'waits', approval: approval.id };
    const answer = await cast(
      tx,
      {
        tenant,
        approvalId: approval.id,
        decision: 'approve',
        digest,
        reason,
        voter: { id: by, roles },
        channel: 'resume',
        traceId,
      },
      // Whoever gives the order has read it, and there is nobody else's turn to wait for.
      DEFAULT_APPROVALS,
    );
    const isLifted = answer.kind === 'voted' && answer.approval.status === 'used';
    return isLifted ? { kind: 'agreed' } : { kind: 'waits', approval: approval.id };
  };
}

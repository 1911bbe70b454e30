// What tests of the mechanism stand on: a real Postgres, a subject that counts what was carried out, and a charter that
// can change under way.
import type { TestContext } from 'node:test';
import { DEFAULT_APPROVALS } from '@mandate/kernel';
import type { ApprovalSettings, JsonObject } from '@mandate/kernel';
import { openTestDatabase } from '../../../../test/postgres.ts';
import { createChance } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { createApprovals } from './approvals.ts';
import type { Approvals, Ballot } from './approvals.ts';
import { digestOfSubject } from './subject.ts';
import type { AppliedApproval, Applied, OpenOrder, Subject } from './subject.ts';

export const TENANT = 'acme';
export const HOUR_MS = 3_600_000;

interface Entry {
  readonly kind: string;
  readonly actor: string;
  readonly data: JsonObject;
}

export async function ground(t: TestContext, first: Partial<ApprovalSettings> = {}) {
  let settings: Partial<ApprovalSettings> | null = first;
  let isInForce = true;
  const { store, admin } = await openTestDatabase(t);
  await store.withTenant(
    TENANT,
    (tx) => tx`insert into mandate.tenant (tenant, created_at) values (${TENANT}, now())`,
  );
  const clock = manualClock();
  const entries: Entry[] = [];
  const applied: AppliedApproval[] = [];
  const ended: string[] = [];
  let answer: Applied = { kind: 'applied' };
  const subject: Subject = {
    async apply(tx, approval) {
      applied.push(approval);
      await tx`insert into mandate.flag (tenant, key, value, reason, owner, updated_at) values (${TENANT}, ${`applied.${applied.length}`}, 'true', 'x', 'x', now())`;
      return answer;
    },
    ended: (_tx, approval) => Promise.resolve(void ended.push(approval.status)),
  };
  const approvals = createApprovals({
    store,
    clock,
    chance: createChance(clock),
    writeEntry: (_tx, _tenant, { kind, actor, data }) =>
      Promise.resolve(void entries.push({ kind, actor, data })),
    subjectOf: (name) => (name === 'tool' ? subject : null),
    charterOf: () =>
      Promise.resolve(settings === null ? null : { approvals: { ...DEFAULT_APPROVALS, ...settings } }),
    hasCharter: () => Promise.resolve(isInForce),
  });
  const open = (over: Partial<OpenOrder> = {}) =>
    store.withTenant(TENANT, (tx) =>
      approvals.open(tx, {
        tenant: TENANT,
        subject: 'tool',
        digest: digestOfSubject(TENANT, 'tool', { tool: 'files.write' }),
        title: 'Accept files.write',
        display: { tool: 'files.write' },
        content: { tool: 'files.write' },
        requester: 'mandate:mcp',
        requesterUser: null,
        agent: null,
        causes: ['tool:changed'],
        requiredRoles: [],
        quorum: 1,
        fourEyes: false,
        expiresMs: clock.nowMs() + 4 * HOUR_MS,
        traceId: null,
        ...over,
      }),
    );
  return {
    admin,
    store,
    clock,
    entries,
    applied,
    ended,
    approvals,
    open,
    answers: (next: Applied) => void (answer = next),
    /** null: it cannot be read. */
    changes: (next: Partial<ApprovalSettings> | null) => void (settings = next),
    removes: () => void ([settings, isInForce] = [null, false]),
    kinds: () => entries.map(({ kind }) => kind),
  };
}

export function ballotOn(
  approval: { id: string; digest: string },
  by: string,
  over: Partial<Ballot> = {},
): Ballot {
  return {
    tenant: TENANT,
    approvalId: approval.id,
    decision: 'approve',
    digest: approval.digest,
    reason: null,
    voter: { id: by, roles: ['tech-lead'] },
    traceId: null,
    ...over,
  };
}

export async function statusOf(approvals: Approvals, id: string): Promise<string | undefined> {
  return (await approvals.find(TENANT, id))?.status;
}

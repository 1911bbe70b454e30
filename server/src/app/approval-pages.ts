// The approval page with what it needs: links for people, the votes behind its form, and who is kept out by a seal.
import type { Infrastructure } from '../infrastructure.ts';
import { mountApprovalPages } from '../api/pages/approval-pages.ts';
import type { HttpDoor, HttpNeeds } from '../api/http/server.ts';
import { createDesk } from '../decide/approvals/desk.ts';
import { PAGE_STYLE } from '../decide/approvals/page-style.ts';
import { personOf, readPeople } from '../decide/approvals/people.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import { isPermitted, isRole } from '../platform/identity/roles.ts';
import type { DoorsNeeds } from './doors-needs.ts';

export function mountApprovals(
  { infrastructure, judgement, execution, isSealed }: DoorsNeeds,
  { fastify, prove }: HttpDoor,
  { traced, failed }: Pick<HttpNeeds, 'traced' | 'failed'>,
): void {
  const { store, clock }: Infrastructure = infrastructure;
  const desk = createDesk({
    store,
    clock,
    approvals: judgement.approvals,
    links: execution.links,
    editing: execution.edits,
    isLockedOut: lockedOut({ infrastructure, isSealed }),
  });
  mountApprovalPages({
    fastify,
    prove,
    traced,
    failed,
    desk,
    styleHash: Buffer.from(sha256Hex(PAGE_STYLE), 'hex').toString('base64'),
  });
}

/** Whether a stop of level seal keeps somebody out who comes without a key: by a link, or by a button in a chat. */
export function lockedOut({
  infrastructure: { store, clock },
  isSealed,
}: Pick<DoorsNeeds, 'infrastructure' | 'isSealed'>): (tenant: string, person: string) => Promise<boolean> {
  return async (tenant, person) => {
    if (!isSealed(tenant)) return false;
    const people = await store.withTenant(tenant, (tx) => readPeople(tx, tenant, clock.nowMs()));
    const roles = personOf(people, person).roles.filter(isRole);
    return !isPermitted({ roles, scopes: null }, 'resume');
  };
}

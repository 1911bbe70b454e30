// A recorded past in seconds: acts as the road writes them, sealed and decided, inserted by the thousand. For tests and
// benchmarks of what reads them back.
import { decide } from '@mandate/kernel';
import type { Action, Decision, Facts, Law } from '@mandate/kernel';
import { jsonb } from '../server/src/platform/postgres/jsonb.ts';
import type { Seals } from '../server/src/platform/crypto/seal.ts';
import type { Store } from '../server/src/platform/postgres/store.ts';

export interface PastAct {
  readonly action: Action;
  readonly facts: Facts;
  readonly decision: Decision;
}

/** An act as that law decides it. */
export function pastAct(law: Law, action: Action, facts: Facts): PastAct {
  return { action, facts, decision: decide(action, { ...facts, law }) };
}

/** A version 4 id that counts: the nth act of a test. */
export function actId(n: number): string {
  return `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
}

const CHUNK = 500;

/** Writes them in their order, one millisecond apart, the last one at `untilMs`. Answers with their ids in that order. */
export async function recordActs(
  { store, seals }: { readonly store: Pick<Store, 'withTenant'>; readonly seals: Seals },
  tenant: string,
  {
    acts,
    untilMs,
    firstId = 1,
  }: { readonly acts: readonly PastAct[]; readonly untilMs: number; readonly firstId?: number },
): Promise<readonly string[]> {
  const seal = await seals.of(tenant);
  const ids = acts.map((_act, n) => actId(firstId + n));
  for (let from = 0; from < acts.length; from += CHUNK) {
    const rows = acts.slice(from, from + CHUNK).map(({ action, facts, decision }, n) => {
      const id = ids[from + n] ?? '';
      const evidence = { action, asker: { id: 'agent:builder-1', tenant }, facts };
      return {
        id,
        agent: action.agent,
        action: action.action,
        status: STATUS[decision.effect],
        decision,
        sealed: seal.sealJson(`act:${id}`, evidence).toString('hex'),
        atMs: untilMs - (acts.length - 1 - from - n),
      };
    });
    await store.withTenant(
      tenant,
      (tx) => tx`
        insert into mandate.act (tenant, id, agent, action, status, tier, severity, principal, digest, display, decision, sealed, created_at)
        select ${tenant}, id, agent, action, status, decision->>'tier', decision->>'severity', 'agent:builder-1', id::text, '{}', decision,
          decode(sealed, 'hex'), to_timestamp("atMs" / 1000.0)
        from jsonb_to_recordset(${jsonb(tx, rows)}) as r(id uuid, agent text, action text, status text, decision jsonb, sealed text, "atMs" double precision)`,
    );
  }
  return ids;
}

const STATUS: Readonly<Record<Decision['effect'], string>> = {
  execute: 'success',
  hold: 'waiting_for_approval',
  deny: 'denied',
  throttle: 'denied',
  none: 'recorded',
};

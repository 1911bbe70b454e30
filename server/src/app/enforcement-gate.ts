// The flag `enforcement` counts over the charter. Where a charter asks several people for its own changes, one admin must
// not get by the flag what it would take them all to get by the charter.
import type { Flags } from '../decide/restrictions/flags.ts';
import type { Judgement } from './judgement.ts';

type GateNeeds = Pick<Judgement, 'flags' | 'activeLaw'> & {
  readonly approvals: Pick<Judgement['approvals'], 'needsOf'>;
};

/** The flags as people may set them: tightening is free, and widening `enforcement` leads through the charter where that is asked of several. */
export function gateEnforcement({ flags, activeLaw, approvals }: GateNeeds): Flags {
  return {
    ...flags,
    async set(change) {
      const { tenant, key, value, mayWiden } = change;
      if (key !== 'enforcement' || !mayWiden || (await approvals.needsOf(tenant, 'charter')) === null)
        return flags.set(change);
      // Back to a charter that enforces lets nothing pass: from there on, what people approve counts.
      if (value === 'charter' && (await activeLaw(tenant))?.charter.enforcement === 'enforce')
        return flags.set(change);
      const done = await flags.set({ ...change, mayWiden: false });
      if (done.kind !== 'refused' || done.code !== 'forbidden') return done;
      const detail = `Setting enforcement to ${String(value)} widens what agents may do, and the charter asks several people for such a change (approvals.charter). Propose a charter that says enforcement: audit instead; the flag goes back to charter once the charter in force says enforce.`;
      return { ...done, detail };
    },
  };
}

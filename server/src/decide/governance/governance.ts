// Autonomy is earned in phases and lost in seconds. This door knows in which phase each governed set stands; a phase is
// enforced by restrictions, raised by an approval and left at any moment: no mechanism of its own.
import { phaseIndex } from '@mandate/kernel';
import type { GovernedSet } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Sql, Store, Tx } from '../../platform/postgres/store.ts';
import { createAdopt } from './adopt.ts';
import type { Adopt } from './adopt.ts';
import { createFalling } from './fall.ts';
import type { Falling } from './fall.ts';
import { createPhases } from './phases.ts';
import { createProposing } from './propose.ts';
import type { Proposing, ProposingNeeds } from './propose.ts';
import { stateFrom } from './state.ts';
import type { SetState } from './state.ts';
import { listProposals, readChanges, readSet } from './store.ts';
import { createWithdrawals } from './withdraw.ts';
import type { WithdrawalsNeeds } from './withdraw.ts';

export interface Governance extends Falling, Proposing {
  /** What a charter that comes into force does, in its transaction. */
  readonly adopt: Adopt;
  /** What the charter in force governs. */
  setsOf(tenant: string): Promise<readonly GovernedSet[]>;
  /** Where a set stands; null for one that the charter in force does not have. */
  stateOf(tenant: string, set: string): Promise<SetState | null>;
  /** The same in the caller's transaction. */
  stateIn(tx: Tx, tenant: string, set: string): Promise<SetState | null>;
  /** Tenants that have anything governed, for what recurs by itself. */
  tenants(): Promise<readonly string[]>;
  /** Ids of proposals, newest first; of all sets without one. */
  proposalIds(tenant: string, set: string | null, limit: number): Promise<readonly string[]>;
}

export interface GovernanceNeeds
  extends WithdrawalsNeeds, Pick<ProposingNeeds, 'askerOf' | 'unresolvedIn' | 'readinessOf' | 'evidenceOf'> {
  readonly store: Pick<Store, 'withTenant'>;
  /** The control login, which sees which tenants have anything governed. */
  readonly control: Sql;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
  /** Waits until no start of before is under way; false when hung sessions kept it from being sure. */
  readonly takeBarrier: (tenant: string) => Promise<boolean>;
  /** What the charter in force governs, read in the caller's transaction. */
  readonly setsIn: (tx: Tx, tenant: string) => Promise<readonly GovernedSet[]>;
}

/** Of a charter and a state that do not fit each other. */
const READS = 3;

export function createGovernance(needs: GovernanceNeeds): Governance {
  const { store, control, clock, setsIn } = needs;
  const phases = createPhases(needs);
  const withdrawals = createWithdrawals(needs);
  const setIn = async (tx: Tx, tenant: string, name: string): Promise<GovernedSet | null> =>
    (await setsIn(tx, tenant)).find((set) => set.name === name) ?? null;
  const parts = { ...needs, phases, withdrawals, setIn };

  const stateIn: Governance['stateIn'] = async (tx, tenant, name) => {
    for (let attempt = 1; ; attempt += 1) {
      const row = await readSet(tx, tenant, name);
      const set = await setIn(tx, tenant, name);
      if (set === null || row === null) return null;
      // Two statements see two moments; a charter that came into force between them is the only way to differ.
      if (phaseIndex(set, row.phase) < 0 && attempt < READS) continue;
      return stateFrom(set, row, { history: await readChanges(tx, tenant, name), nowMs: clock.nowMs() });
    }
  };

  return {
    ...createFalling(parts),
    ...createProposing(parts),
    adopt: createAdopt(parts),

    setsOf: (tenant) => store.withTenant(tenant, (tx) => setsIn(tx, tenant)),

    stateIn,
    stateOf: (tenant, name) => store.withTenant(tenant, (tx) => stateIn(tx, tenant, name)),

    async tenants() {
      const rows = await control<{ tenant: string }[]>`
        select distinct tenant from mandate.governed_set where dropped_at is null order by tenant`;
      return rows.map(({ tenant }) => tenant);
    },

    proposalIds: (tenant, set, limit) =>
      store.withTenant(tenant, (tx) => listProposals(tx, tenant, { set, limit })),
  };
}

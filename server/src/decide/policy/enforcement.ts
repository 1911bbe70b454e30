// From audit to enforce and back. What counts is a flag over the charter's own setting, so that it survives the next
// change of the charter file, every process reads it with its next decision, and an operator may tighten but not widen.
import type { SimulationReport } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { PolicyCharters } from './charters.ts';
import type { AskedRange } from './range.ts';
import type { Simulate } from './simulate.ts';

export type Enforcement = 'enforce' | 'audit';
/** `charter`: no override, the charter's own setting counts. */
export type EnforcementFlag = Enforcement | 'charter';

export interface EnforcementView {
  /** What counts now. */
  readonly enforcement: Enforcement;
  /** What the charter in force says. */
  readonly charter: Enforcement;
  readonly flag: EnforcementFlag;
  /** Patterns of rules that have an enforcement of their own, which no override reaches. */
  readonly ownRules: readonly { readonly match: string; readonly enforcement: Enforcement }[];
}

export interface EnforcementPreview extends EnforcementView {
  /** What would count after the change. */
  readonly to: Enforcement;
  /** What it would have made of the recorded actions, held against what counts now. */
  readonly simulation: SimulationReport;
}

export interface EnforcementOrder {
  readonly tenant: string;
  readonly to: EnforcementFlag;
  readonly reason: string;
  readonly by: string;
  readonly mayWiden: boolean;
  readonly traceId: string | null;
}

type Refused = { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Enforcements {
  show(tenant: string): Promise<{ readonly kind: 'shown'; readonly view: EnforcementView } | Refused>;
  /** The same, and what switching over would have done to recorded actions. */
  preview(
    tenant: string,
    change: { readonly to: EnforcementFlag; readonly range: AskedRange; readonly limit: number },
  ): Promise<{ readonly kind: 'shown'; readonly view: EnforcementPreview } | Refused>;
  set(order: EnforcementOrder): Promise<{ readonly kind: 'shown'; readonly view: EnforcementView } | Refused>;
}

export interface EnforcementsNeeds {
  readonly charters: Pick<PolicyCharters, 'active'>;
  readonly simulate: Simulate;
  /** The flag as it stands. */
  readonly readFlag: (tenant: string) => Promise<EnforcementFlag>;
  /** Sets it; a change that widens takes `mayWiden`. Journalled where flags are. */
  readonly setFlag: (order: EnforcementOrder) => Promise<{ readonly kind: 'changed' } | Refused>;
}

export function createEnforcements({
  charters,
  simulate,
  readFlag,
  setFlag,
}: EnforcementsNeeds): Enforcements {
  async function show(
    tenant: string,
  ): Promise<{ readonly kind: 'shown'; readonly view: EnforcementView } | Refused> {
    const [found, flag] = await Promise.all([charters.active(tenant), readFlag(tenant)]);
    if (found.kind === 'refused') return found;
    const { charter } = found.law;
    return {
      kind: 'shown',
      view: {
        enforcement: flag === 'charter' ? charter.enforcement : flag,
        charter: charter.enforcement,
        flag,
        ownRules: charter.rules.flatMap(({ match, enforcement }) =>
          enforcement === null ? [] : [{ match, enforcement }],
        ),
      },
    };
  }

  return {
    show,
    async preview(tenant, { to: asked, range, limit }) {
      const [shown, found] = await Promise.all([show(tenant), charters.active(tenant)]);
      if (shown.kind === 'refused') return shown;
      if (found.kind === 'refused') return found;
      const { law } = found;
      const { enforcement, charter } = shown.view;
      const to = asked === 'charter' ? charter : asked;
      const simulation = await simulate({
        tenant,
        range,
        before: { law, enforcement },
        after: { law, enforcement: to },
        limit,
      });
      if (simulation.kind === 'refused') return simulation;
      return { kind: 'shown', view: { ...shown.view, to, simulation: simulation.report } };
    },
    async set(order) {
      const set = await setFlag(order);
      return set.kind === 'refused' ? set : show(order.tenant);
    },
  };
}

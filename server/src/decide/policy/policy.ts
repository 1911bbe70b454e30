// Policies that people can trust: before the law changes they see what the change would have done, a charter can be on
// trial beside the live one, a draft can be made of what was recorded, and audit is left behind with open eyes.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { PolicyCharters } from './charters.ts';
import { createEnforcements } from './enforcement.ts';
import type { Enforcements, EnforcementsNeeds } from './enforcement.ts';
import { createShadows } from './shadow.ts';
import type { Shadows, ShadowsNeeds } from './shadow.ts';
import { createSimulate } from './simulate.ts';
import type { Simulate } from './simulate.ts';
import { createSuggest } from './suggest.ts';
import type { Suggest } from './suggest.ts';
import { createTurns } from './turns.ts';
import { createWalk } from './walk.ts';
import type { WalkNeeds } from './walk.ts';

export interface Policy {
  readonly charters: PolicyCharters;
  readonly simulate: Simulate;
  readonly suggest: Suggest;
  readonly shadows: Shadows;
  readonly enforcements: Enforcements;
}

export interface PolicyNeeds
  extends
    Pick<EnforcementsNeeds, 'readFlag' | 'setFlag'>,
    Pick<ShadowsNeeds, 'observer' | 'uuid' | 'writeEntry'>,
    Pick<WalkNeeds, 'unseal'> {
  readonly store: Store;
  readonly clock: Clock;
  readonly charters: PolicyCharters;
}

const REPLAYS_AT_ONCE = 2;

export function createPolicy(needs: PolicyNeeds): Policy {
  const { store, clock, charters, unseal, readFlag, setFlag } = needs;
  const turns = createTurns(REPLAYS_AT_ONCE);
  const walk = createWalk({ store, clock, unseal });
  const simulate = createSimulate({ store, clock, charters, walk, turns });
  return {
    charters,
    simulate,
    suggest: createSuggest({ store, clock, charters, walk, turns }),
    shadows: createShadows(needs),
    enforcements: createEnforcements({ charters, simulate, readFlag, setFlag }),
  };
}

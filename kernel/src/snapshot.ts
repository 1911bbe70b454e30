// Everything a decision may depend on, gathered beforehand. The same action and snapshot give the same
// decision in the server, in the browser and in an auditor's hands (I3).
import type { Facts } from './facts.ts';
import type { Law } from './law.ts';

export interface Snapshot extends Facts {
  readonly law: Law;
}

/** Whether what rules, findings and phases would hold is held; anything but a plain `audit` is (I5). */
export function enforcementOf({ enforcement, law }: Snapshot): 'enforce' | 'audit' {
  return (enforcement ?? law.charter.enforcement) === 'audit' ? 'audit' : 'enforce';
}

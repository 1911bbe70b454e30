// Workflows, handed what they need: the road, the executors' names, the seals, the journal and the run machine.
import { settingOf } from '@mandate/kernel';
import type { Law } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { briefly } from '../act/workflows/briefly.ts';
import { createMachine } from '../act/workflows/machine.ts';
import type { ReadYaml } from '../act/workflows/template.ts';
import { createWorkflows } from '../act/workflows/workflows.ts';
import type { Workflows } from '../act/workflows/workflows.ts';
import { parseYaml } from '../decide/charter/parse.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { Authority } from './authority.ts';
import type { Execution } from './execution.ts';
import type { Judgement } from './judgement.ts';

export interface WorkflowParts {
  readonly infrastructure: Infrastructure;
  readonly authority: Authority;
  readonly judgement: Judgement;
  readonly execution: Execution;
}

/** How long a revoked key may go on beginning steps of a run that it started. */
const MOMENT_MS = 500;

export function buildWorkflows({
  infrastructure,
  authority,
  judgement,
  execution,
}: WorkflowParts): Workflows {
  const { clock, chance, log, store, addresses } = infrastructure;
  const { activeLaw, executors } = judgement;
  const { pipeline, outcomes, lease, seal, unseal } = execution;
  const standing = briefly<boolean>(clock, MOMENT_MS);
  const laws = briefly<Law | null>(clock, MOMENT_MS);
  return createWorkflows({
    store,
    clock,
    chance,
    seal,
    unseal,
    writeEntry,
    readYaml,
    sha256: sha256Hex,
    isHeld: lease.isHeld,
    failed: (error, what) => log.error({ err: error }, what),
    road: {
      request: pipeline.request,
      preview: pipeline.preview,
      cancel: (asker, actId, reason) => outcomes.cancel(asker, actId, reason),
      stands: (asker) =>
        standing(
          JSON.stringify([
            asker.tenant,
            asker.id,
            asker.keyId,
            asker.grantIds,
            asker.expiresMs,
            asker.schedule,
          ]),
          () => authority.stands(asker),
        ),
      standsNow: authority.stands,
      async executes(tenant, action) {
        const law = await laws(tenant, () => activeLaw(tenant));
        const named = law === null ? null : (settingOf(law, action)?.executor ?? null);
        return (named ?? executors.of(tenant).find(action)) !== null;
      },
    },
    async agentOf(tenant, role) {
      const agents = (await activeLaw(tenant))?.charter.agents ?? {};
      return (
        Object.keys(agents)
          .toSorted()
          .find((name) => agents[name]?.class === role) ?? null
      );
    },
    schedulesOf: async (tenant) => (await activeLaw(tenant))?.charter.schedules ?? [],
    machineOf: (carry) =>
      createMachine({ control: store.control, clock, log, worker: lease.worker, carry, ...addresses }),
  });
}

/** Templates are read by the rules of charters: what two readers could understand differently is refused. */
const readYaml: ReadYaml = (text) => {
  const parsed = parseYaml('template', text);
  if (parsed.kind === 'parsed') return { kind: 'read', text: parsed.yaml };
  return { kind: 'refused', errors: parsed.errors };
};

// Which events of the journal are about one workflow run: its own, and those of the acts that its steps began, also of
// those that begin while somebody looks on.
import type { Workflows } from '../act/workflows/workflows.ts';

interface Event {
  readonly type: string;
  readonly subject?: string;
  readonly data?: unknown;
}

type Choose = <T extends Event>(events: readonly T[]) => readonly T[];

/** Null where there is no such run. */
export async function eventsOfRun(
  workflows: Pick<Workflows, 'find'>,
  tenant: string,
  run: string,
): Promise<Choose | null> {
  const found = UUID.test(run) ? await workflows.find(tenant, run) : null;
  if (found === null) return null;
  const own = `workflows/${run}`;
  const subjects = new Set([
    own,
    ...found.steps.flatMap(({ act_id: act }) => (act === null ? [] : [`actions/${act}`])),
  ]);
  return (events) =>
    events.filter(({ type, subject, data }) => {
      const action = typeof data === 'object' && data !== null && 'action' in data ? data.action : null;
      // Written in the transaction that begins the act, before anything else is said of it.
      if (subject === own && type === 'mandate.workflow.step_begun' && typeof action === 'string')
        subjects.add(`actions/${action}`);
      return subject !== undefined && subjects.has(subject);
    });
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

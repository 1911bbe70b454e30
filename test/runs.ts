// Runs of workflows behind a real door, whose steps are counted where they are done: what tests of workflows say again
// and again.
import assert from 'node:assert/strict';
import type { Closing } from './closing.ts';
import type { ExecutorFunction } from '../server/src/act/executors/functions.ts';
import { openDoor } from './door.ts';
import type { Door } from './door.ts';
import { until } from './until.ts';

const CHARTER = `version: 1
agents: { builder-1: { class: builder }, tester-1: { class: tester } }
tiers:
  green: { actions: ['work.*', 'undo.*', 'own.*'] }
  red: { actions: [deploy.production] }
  black: { actions: [never.this] }
`;

const PLAIN = `name: plain
agent: builder-1
steps: [{ id: only, action: work.only }]
`;

const HELD = `name: held
agent: builder-1
steps:
  - { id: build, action: work.build }
  - { id: ship, action: deploy.production, needs: build }
  - { id: tell, action: work.tell, needs: ship }
`;

export interface RunReply {
  readonly id: string;
  readonly status: string;
  readonly waitsFor: readonly string[];
  readonly error?: string;
  readonly output?: unknown;
  readonly steps: readonly {
    readonly step: string;
    readonly status: string;
    readonly attempt: number;
    readonly actionId?: string;
    readonly approvalId?: string;
    readonly error?: string;
  }[];
}

export interface RunDoor {
  readonly door: Door;
  /** What has been done, in order. */
  readonly done: { readonly action: string; readonly parameters: unknown }[];
  /** How the steps of the next test are done; forgets what has been done. */
  executes(fn: ExecutorFunction): void;
  write(text: string): Promise<void>;
  start(template: string, input?: Readonly<Record<string, unknown>>): Promise<string>;
  look(id: string): Promise<RunReply>;
  /** The run once it has ended. */
  ended(id: string): Promise<RunReply>;
  /** The run once a step of it waits for approval. */
  held(id: string): Promise<RunReply>;
  approve(run: RunReply, step: string): Promise<void>;
}

/**
 * A door whose charter lets `work.*`, `undo.*` and `own.*` run, holds `deploy.production` and forbids `never.this`, with
 * the templates `plain` (one step) and `held` (three, the second waits for a person).
 */
export async function openRunDoor(t: Closing): Promise<RunDoor> {
  const door = await openDoor(t, { charter: CHARTER });
  const done: { action: string; parameters: unknown }[] = [];
  let executor: ExecutorFunction = () => Promise.resolve({});
  // Nobody here executes `own.*`: agents do it themselves.
  for (const pattern of ['work.*', 'undo.*', 'deploy.*', 'never.*'])
    door.app.registerExecutor(pattern, (call) => {
      done.push({ action: call.action, parameters: call.parameters });
      return executor(call);
    });
  const look = async (id: string): Promise<RunReply> =>
    (await door.call('GET', `/api/v1/workflows/${id}`)).json as unknown as RunReply;
  const write = async (text: string): Promise<void> => {
    const written = await door.call('POST', '/api/v1/workflow-templates', { body: { text } });
    assert.equal(written.status, 201, written.text);
  };
  await write(PLAIN);
  await write(HELD);
  return {
    door,
    done,
    look,
    write,
    executes(fn) {
      done.length = 0;
      executor = fn;
    },
    async start(template, input = {}) {
      const started = await door.call('POST', '/api/v1/workflows', { body: { template, input } });
      assert.equal(started.status, 201, started.text);
      return String(started.json?.['id']);
    },
    ended: (id) =>
      until('the run ends', async () => {
        const run = await look(id);
        return ['succeeded', 'failed', 'cancelled'].includes(run.status) && run;
      }),
    held: (id) =>
      until('the run waits for a person', async () => {
        const run = await look(id);
        return run.status === 'waiting' && run.waitsFor.includes('approval') && run;
      }),
    async approve(run, step) {
      const id = run.steps.find((each) => each.step === step)?.approvalId ?? '';
      const { json } = await door.call('GET', `/api/v1/approvals/${id}`);
      const approved = await door.call('POST', `/api/v1/approvals/${id}/decision`, {
        body: { decision: 'approve', digest: json?.['digest'] },
      });
      assert.equal(approved.status, 200, approved.text);
    },
  };
}

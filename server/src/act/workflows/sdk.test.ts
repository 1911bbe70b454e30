// The SDK against a real door: a template written as an object, a run started, waited for and looked at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMandate, defineWorkflow, MandateProblem } from '@mandate/sdk';
import { openRunDoor } from '../../../../test/runs.ts';

test('a program writes a template, tries it out, starts it and waits for its end', async (t) => {
  const runs = await openRunDoor(t);
  const { workflows } = createMandate({ url: runs.door.url, apiKey: runs.door.adminKey });
  runs.executes((call) => Promise.resolve({ double: Number(call.parameters['n']) * 2 }));
  const template = defineWorkflow({
    name: 'doubling',
    inputs: { n: 'number' },
    agent: 'builder-1',
    steps: [
      { id: 'once', action: 'work.double', parameters: { n: '${{ inputs.n }}' } },
      { id: 'nap', wait: '1ms', needs: 'once' },
      {
        id: 'twice',
        action: 'work.double',
        needs: ['nap', 'once'],
        parameters: { n: '${{ steps.once.result.double }}' },
      },
    ],
    outputs: { n: '${{ steps.twice.result.double }}' },
  });
  const { version } = await workflows.write(template);
  assert.deepEqual(
    (await workflows.templates()).map(({ name }) => name),
    ['doubling', 'held', 'plain'],
  );
  const dry = await workflows.dryRun({ template: 'doubling', input: { n: 3 } });
  assert.deepEqual(
    dry.map(({ step, would }) => [step, would]),
    [
      ['once', 'run'],
      ['nap', 'wait'],
      ['twice', 'run'],
    ],
  );
  const { id } = await workflows.start({ template: `doubling@${version}`, input: { n: 3 } });
  const run = await workflows.wait(id, { everyMs: 20 });
  assert.deepEqual([run.status, run.output], ['succeeded', { n: 12 }]);
  assert.deepEqual(
    (await workflows.list({ template: 'doubling' })).map((each) => each.id),
    [id],
  );
  await assert.rejects(
    workflows.pause(id),
    (error) => error instanceof MandateProblem && error.problem.code === 'conflict',
  );
  await assert.rejects(
    workflows.write({ ...template, steps: [{ id: 'a', action: 'work.a', needs: 'b' }] }),
    /There is no step b/,
  );
});

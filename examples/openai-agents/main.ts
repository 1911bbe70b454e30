// An agent of OpenAI Agents under Mandate: a green tool runs, a red one interrupts the run until a person agreed, a black
// one never runs, and when the server is stopped or gone nothing runs. One tool is governed by guardrails alone.
//
//   MANDATE_CHARTER=examples/shop/charter.yaml npm start
//   MANDATE_API_KEY=<a key of the agent clerk-1> PERSON_KEY=<a key of an admin> \
//     node --conditions=mandate-source examples/openai-agents/main.ts
import assert from 'node:assert/strict';
import { createAgentsGate } from '@mandate/sdk/openai-agents';
import { Agent, run, RunState, setTracingDisabled, tool, Usage } from '@openai/agents';
import type { AgentInputItem, AgentOutputItem, Model } from '@openai/agents';
import { z } from 'zod';
import { openShop } from '../shop/shop.ts';
import { approveWhatWaits, mandate, untilServerIsGone, whileStopped } from '../shop/stage.ts';

setTracingDisabled(true);
const shop = openShop();
const gate = createAgentsGate(mandate, { prefix: 'shop' });

const order = z.object({ order: z.number() });
const tools = [
  tool(
    gate.tool({
      name: 'refund_order',
      description: 'Refund an order',
      parameters: order,
      execute: (wanted: z.infer<typeof order>) => shop.refundOrder(wanted),
    }),
  ),
  tool(
    gate.tool({
      name: 'erase_customer',
      description: 'Erase a customer and all orders',
      parameters: z.object({ customer: z.string() }),
      execute: (wanted: { customer: string }) => shop.eraseCustomer(wanted),
    }),
  ),
  // A tool whose function is not ours to wrap: guardrails stand before and behind it.
  tool({
    name: 'look_up_order',
    description: 'Look up an order',
    parameters: order,
    execute: (wanted) => shop.lookUpOrder(wanted),
    ...gate.guardrails(),
  }),
];

type Script = readonly (readonly [id: string, tool: string, input: object])[];

/** The model is a script: its calls, one after the other, then "done". */
function agentWith(script: Script): Agent {
  const steps = [...script];
  const model: Model = {
    async getResponse() {
      const step = steps.shift();
      const output: AgentOutputItem[] =
        step === undefined
          ? [
              {
                type: 'message',
                role: 'assistant',
                status: 'completed',
                content: [{ type: 'output_text', text: 'done' }],
              },
            ]
          : [
              {
                type: 'function_call',
                callId: step[0],
                name: step[1],
                arguments: JSON.stringify(step[2]),
                status: 'completed',
              },
            ];
      return { usage: new Usage(), output };
    },
    getStreamedResponse() {
      throw new Error('this example does not stream');
    },
  };
  return new Agent({ name: 'clerk', instructions: 'Be kind.', model, tools });
}

/** What the model was told by its tools. */
function toldBy(history: readonly AgentInputItem[]): string {
  return JSON.stringify(history.filter(({ type }) => type === 'function_call_result'));
}

// Green runs. Red interrupts the run, whose state can be kept for days.
const agent = agentWith([
  ['call-1', 'look_up_order', { order: 7 }],
  ['call-2', 'refund_order', { order: 7 }],
]);
const paused = await run(agent, 'Order 7 came broken. Refund it.');
assert.deepEqual(shop.ledger, ['looked up 7']);
assert.equal(paused.interruptions.length, 1);
const [early] = await gate.settle(paused.interruptions, { timeoutMs: 0 });
assert.equal(early?.status, 'waits');
const kept = paused.state.toString();

// An approval in the run's state alone approves nothing: the gate asks Mandate.
const forged = await RunState.fromString(agent, kept);
for (const interruption of forged.getInterruptions()) forged.approve(interruption);
assert.match(toldBy((await run(agent, forged)).history), /waits for approval/);
assert.deepEqual(shop.ledger, ['looked up 7']);

// The person agrees in Mandate, and the run goes on.
await approveWhatWaits();
const state = await RunState.fromString(agent, kept);
const settled = await gate.settle(state.getInterruptions());
for (const { interruption, status, text } of settled)
  if (status === 'approved') state.approve(interruption);
  else state.reject(interruption, { message: text });
const done = await run(agent, state);
assert.equal(done.finalOutput, 'done');
assert.deepEqual(shop.ledger, ['looked up 7', 'refunded 7']);

// The same state taken up once more, as after a crash: the same result, and no second refund.
const again = await RunState.fromString(agent, kept);
for (const interruption of again.getInterruptions()) again.approve(interruption);
await run(agent, again);
assert.deepEqual(shop.ledger, ['looked up 7', 'refunded 7']);

// Black never runs, and the model is told why.
const denied = await run(agentWith([['call-3', 'erase_customer', { customer: 'ann' }]]), 'Erase Ann.');
assert.match(toldBy(denied.history), /shop\.erase_customer was not run \(denied\)/);

// Stopped in the middle of the session: not even green runs, with guardrails or without.
const two: Script = [
  ['call-4', 'look_up_order', { order: 9 }],
  ['call-5', 'refund_order', { order: 9 }],
];
await whileStopped(async () => {
  const stopped = toldBy((await run(agentWith(two), 'Look again.')).history);
  assert.match(stopped, /look_up_order was not run \(stopped\)/);
  assert.match(stopped, /refund_order was not run \(stopped\)/);
});

// And without a server nothing runs either.
await untilServerIsGone();
const alone = toldBy((await run(agentWith(two), 'Look again.')).history);
assert.equal(alone.match(/cannot be reached/g)?.length, 2);
assert.deepEqual(shop.ledger, ['looked up 7', 'refunded 7']);

console.log(
  'looked up, refunded once after approval, never erased, nothing while stopped, nothing without a server',
);

// An agent of Mastra under Mandate: a green tool runs, a red one suspends the agent until a person agreed, a black one
// never runs, and when the server is stopped or gone nothing runs.
//
//   MANDATE_CHARTER=examples/shop/charter.yaml npm start
//   MANDATE_API_KEY=<a key of the agent clerk-1> PERSON_KEY=<a key of an admin> \
//     node --conditions=mandate-source examples/mastra/main.ts
import assert from 'node:assert/strict';
import { createMastraGate } from '@mandate/sdk/mastra';
import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { InMemoryStore } from '@mastra/core/storage';
import { MastraLanguageModelV2Mock } from '@mastra/core/test-utils/llm-mock';
import { createTool } from '@mastra/core/tools';
import { z } from 'zod';
import { openShop } from '../shop/shop.ts';
import { approveWhatWaits, mandate, untilServerIsGone, whileStopped } from '../shop/stage.ts';

const shop = openShop();
const gate = createMastraGate(mandate, { prefix: 'shop' });

const order = z.object({ order: z.number() });
const tools = {
  look_up_order: createTool(
    gate.tool({
      id: 'look_up_order',
      description: 'Look up an order',
      inputSchema: order,
      execute: async (wanted: z.infer<typeof order>) => shop.lookUpOrder(wanted),
    }),
  ),
  refund_order: createTool(
    gate.tool({
      id: 'refund_order',
      description: 'Refund an order',
      inputSchema: order,
      execute: async (wanted: z.infer<typeof order>) => shop.refundOrder(wanted),
    }),
  ),
  erase_customer: createTool(
    gate.tool({
      id: 'erase_customer',
      description: 'Erase a customer and all orders',
      inputSchema: z.object({ customer: z.string() }),
      execute: async (wanted: { customer: string }) => shop.eraseCustomer(wanted),
    }),
  ),
};

/** The model is a script: its calls, one after the other, then "done". */
const steps: (readonly [id: string, tool: string, input: object])[] = [];
const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
let lastPrompt: unknown;
const model = new MastraLanguageModelV2Mock({
  async doGenerate({ prompt }) {
    lastPrompt = prompt.at(-1);
    const step = steps.shift();
    if (step === undefined)
      return { content: [{ type: 'text', text: 'done' }], finishReason: 'stop', usage, warnings: [] };
    const [toolCallId, toolName, input] = step;
    return {
      content: [{ type: 'tool-call', toolCallId, toolName, input: JSON.stringify(input) }],
      finishReason: 'tool-calls',
      usage,
      warnings: [],
    };
  },
});

/** What the model was told by the tool that it called last. */
function told(): string {
  return JSON.stringify(lastPrompt);
}

const agent = new Agent({
  id: 'clerk',
  name: 'clerk',
  instructions: 'Be kind.',
  // @ts-expect-error Mastra's own types do not agree with each other under exactOptionalPropertyTypes.
  model,
  tools,
});
const mastra = new Mastra({ agents: { clerk: agent }, storage: new InMemoryStore(), logger: false });
const clerk = mastra.getAgent('clerk');

// Green runs. Red suspends the agent; the run stays in the store and can be resumed days later.
steps.push(['call-1', 'look_up_order', { order: 7 }], ['call-2', 'refund_order', { order: 7 }]);
const paused = await clerk.generate('Order 7 came broken. Refund it.');
assert.equal(paused.finishReason, 'suspended');
assert.deepEqual(shop.ledger, ['looked up 7']);
const { runId } = paused;
assert.ok(runId !== undefined);
const call = { toolName: 'refund_order', args: { order: 7 } };
assert.equal((await gate.settle(call, { timeoutMs: 0 })).kind, 'held');

// The person agrees in Mandate, and the agent goes on.
await approveWhatWaits();
assert.equal((await gate.settle(call)).kind, 'may_run');
const done = await clerk.approveToolCallGenerate({ runId, toolCallId: 'call-2' });
assert.equal(done.text, 'done');
assert.deepEqual(shop.ledger, ['looked up 7', 'refunded 7']);

// An approval given to the framework alone runs nothing: the gate asks Mandate.
steps.push(['call-3', 'refund_order', { order: 8 }]);
const forged = await clerk.generate('Order 8 came broken, too.');
assert.ok(forged.runId !== undefined);
await clerk.approveToolCallGenerate({ runId: forged.runId, toolCallId: 'call-3' });
assert.deepEqual(shop.ledger, ['looked up 7', 'refunded 7']);
assert.match(told(), /shop\.refund_order waits for approval/);

// Black never runs, and the model is told why.
steps.push(['call-4', 'erase_customer', { customer: 'ann' }]);
await clerk.generate('Erase Ann.');
assert.match(told(), /shop\.erase_customer was not run \(denied\)/);

// Stopped in the middle of the session: not even green runs.
await whileStopped(async () => {
  steps.push(['call-5', 'look_up_order', { order: 9 }]);
  await clerk.generate('Look again.');
  assert.match(told(), /look_up_order was not run \(stopped\)/);
});

// And without a server nothing runs either.
await untilServerIsGone();
steps.push(['call-6', 'look_up_order', { order: 9 }]);
await clerk.generate('Look again.');
assert.match(told(), /cannot be reached/);
assert.deepEqual(shop.ledger, ['looked up 7', 'refunded 7']);

console.log(
  'looked up, refunded once after approval, never erased, nothing while stopped, nothing without a server',
);

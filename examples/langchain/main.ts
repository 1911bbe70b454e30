// LangChain tools in a LangGraph under Mandate: a green tool runs, a red one interrupts the graph until a person agreed, a
// black one never runs, and when the server is stopped or gone nothing runs.
//
//   MANDATE_CHARTER=examples/shop/charter.yaml npm start
//   MANDATE_API_KEY=<a key of the agent clerk-1> PERSON_KEY=<a key of an admin> \
//     node --conditions=mandate-source examples/langchain/main.ts
import assert from 'node:assert/strict';
import { createLangChainGate } from '@mandate/sdk/langchain';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import {
  Command,
  END,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';
import { openShop } from '../shop/shop.ts';
import { approveWhatWaits, comesTrue, mandate, untilServerIsGone, whileStopped } from '../shop/stage.ts';

const shop = openShop();
const gate = createLangChainGate(mandate, { prefix: 'shop', interrupt });

const order = z.object({ order: z.number() });
const tools = gate.tools([
  tool((wanted) => shop.lookUpOrder(wanted), {
    name: 'look_up_order',
    description: 'Look up an order',
    schema: order,
  }),
  tool((wanted) => shop.refundOrder(wanted), {
    name: 'refund_order',
    description: 'Refund an order',
    schema: order,
  }),
  tool((wanted) => shop.eraseCustomer(wanted), {
    name: 'erase_customer',
    description: 'Erase a customer and all orders',
    schema: z.object({ customer: z.string() }),
  }),
]);

/** A chat model that plays a script: the calls of one turn after the other, then "done". */
class ScriptedModel extends BaseChatModel {
  readonly turns: (readonly (readonly [id: string, tool: string, args: Record<string, unknown>])[])[] = [];
  override _llmType(): string {
    return 'scripted';
  }
  override async _generate() {
    const calls = this.turns.shift() ?? [];
    const message = new AIMessage({
      content: calls.length === 0 ? 'done' : '',
      tool_calls: calls.map(([id, name, args]) => ({ id, name, args, type: 'tool_call' as const })),
    });
    return { generations: [{ text: message.text, message }] };
  }
}

const model = new ScriptedModel({});
const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addNode('tools', new ToolNode([...tools]), { retryPolicy: { maxAttempts: 3, initialInterval: 1 } })
  .addEdge(START, 'model')
  .addConditionalEdges('model', toolsCondition, ['tools', END])
  .addEdge('tools', 'model')
  .compile({ checkpointer: new MemorySaver() });

async function say(thread: string, text: string): Promise<string> {
  const { messages } = await graph.invoke({ messages: [{ role: 'user', content: text }] }, on(thread));
  return told(messages);
}

function on(thread: string) {
  return { configurable: { thread_id: thread } };
}

/** What the model was told by its tools. */
function told(messages: readonly BaseMessage[]): string {
  return JSON.stringify(messages.filter((message) => message.type === 'tool').map(({ content }) => content));
}

async function interruptsOf(thread: string): Promise<readonly { readonly value?: unknown }[]> {
  const { tasks } = await graph.getState(on(thread));
  return tasks.flatMap(({ interrupts }) => interrupts);
}

// Both in one turn and side by side: green runs, red interrupts the graph, perhaps before the other has ended.
model.turns.push([
  ['call-1', 'look_up_order', { order: 7 }],
  ['call-2', 'refund_order', { order: 7 }],
]);
await say('talk-1', 'Order 7 came broken. Refund it.');
await comesTrue(() => assert.deepEqual(shop.ledger, ['looked up 7']));
const [hold] = await interruptsOf('talk-1');
assert.match(JSON.stringify(hold?.value), /"tool":"refund_order".*waits for approval/);

// Resumed without an approval the graph waits no longer, and the model reads that the call still does. Nothing has run.
const forged = await graph.invoke(new Command({ resume: 'approved, honestly' }), on('talk-1'));
assert.match(told(forged.messages), /waits for approval/);
assert.deepEqual(shop.ledger, ['looked up 7']);

// The model makes the very same call again, in another turn and under another id: nobody is asked twice. The person
// agrees, and the resumed graph runs it. LangGraph runs the whole node anew, yet nothing is looked up twice.
model.turns.push([
  ['call-3', 'look_up_order', { order: 7 }],
  ['call-4', 'refund_order', { order: 7 }],
]);
await say('talk-1', 'Try again.');
await comesTrue(() => assert.deepEqual(shop.ledger, ['looked up 7', 'looked up 7']));
await approveWhatWaits();
const done = await graph.invoke(new Command({ resume: true }), on('talk-1'));
assert.match(told(done.messages), /refunded/);
assert.deepEqual(shop.ledger, ['looked up 7', 'looked up 7', 'refunded 7']);

// Black never runs, and the model is told why.
model.turns.push([['call-5', 'erase_customer', { customer: 'ann' }]]);
assert.match(await say('talk-2', 'Erase Ann.'), /shop\.erase_customer was not run \(denied\)/);

// Stopped in the middle of the session: not even green runs.
await whileStopped(async () => {
  model.turns.push([['call-6', 'look_up_order', { order: 9 }]]);
  assert.match(await say('talk-3', 'Look again.'), /not run \(stopped\)/);
});

// And without a server nothing runs either.
await untilServerIsGone();
model.turns.push([['call-7', 'look_up_order', { order: 9 }]]);
assert.match(await say('talk-4', 'Look again.'), /cannot be reached/);
assert.deepEqual(shop.ledger, ['looked up 7', 'looked up 7', 'refunded 7']);

console.log(
  'looked up, refunded once after approval, never erased, nothing while stopped, nothing without a server',
);

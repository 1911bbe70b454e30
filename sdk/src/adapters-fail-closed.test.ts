// Each adapter with a server that cannot be asked: nothing may run, and the answer must come before frameworks give up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAiGate } from './ai.ts';
import { claudeCodeHooks, createClaudeCodeHook } from './claude-code.ts';
import { createMandate } from './index.ts';
import type { Fetch, FetchResponse, Mandate } from './index.ts';
import { createLangChainGate } from './langchain.ts';
import { createMastraGate } from './mastra.ts';
import { createAgentsGate } from './openai-agents.ts';

/** A clock that stands still while anything happens, and jumps to the next timer when nothing does. */
function virtual(fetch: Fetch) {
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  let nowMs = 0;
  let quiet = 0;
  const pump = (): void => {
    quiet += 1;
    const [next] = [...timers].toSorted((a, b) => a.atMs - b.atMs);
    if (next === undefined) return;
    if (quiet > 20) {
      quiet = 0;
      timers.delete(next);
      nowMs = next.atMs;
      next.run();
    }
    setImmediate(pump);
  };
  return {
    fetch,
    random: () => 0,
    nowMs: () => nowMs,
    after(delayMs: number, run: () => void) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      quiet = 0;
      if (timers.size === 1) setImmediate(pump);
      return () => void timers.delete(timer);
    },
  };
}

function answering(status: number, type: string, text: string): Fetch {
  return async () => {
    const { body } = new Response(text);
    const response: FetchResponse = { status, headers: new Headers({ 'content-type': type }), body };
    return response;
  };
}

/** Agrees to everything, in a way that is no decision. */
const AGREEABLE = JSON.stringify({
  id: 'x',
  agent: 'a-1',
  action: 'shop.refund',
  status: 'permitted',
  permit: 'permit.v1.x.y',
  startWithinMs: 5_000,
  decision: { effect: 'execute' },
});

const FAULTS: Readonly<Record<string, Fetch>> = {
  unreachable: async () => {
    throw new TypeError('fetch failed');
  },
  'a 500': answering(500, 'application/problem+json', '{"code":"internal","detail":"Oh."}'),
  'a 503 without a body': answering(503, 'text/plain', ''),
  'a page of a proxy': answering(200, 'text/html', '<h1>Welcome</h1>'),
  'half an answer': answering(200, 'application/json', '{"status":"permitted"'),
  'a permission without a decision': answering(200, 'application/json', AGREEABLE),
  'a decision of somebody else': answering(200, 'application/json', '{"decision":true,"allow":true}'),
  'no answer at all': () => new Promise(() => undefined),
};

const MINUTE_MS = 55_000;

/** One question to a framework's gate: nothing may run, and its answer comes before the framework gives up. */
type InTime = <T>(question: Promise<T>) => Promise<T>;

/** `ask` answers with what the model is told in the end. */
async function underEveryFault(
  ask: (mandate: Mandate, ran: () => never, inTime: InTime) => Promise<unknown>,
): Promise<void> {
  for (const [fault, fetch] of Object.entries(FAULTS)) {
    const machine = virtual(fetch);
    const mandate = createMandate({ url: 'http://127.0.0.1:9', apiKey: 'k', agent: 'a-1', machine });
    const inTime: InTime = async (question) => {
      const startedMs = machine.nowMs();
      const answer = await question;
      const tookMs = machine.nowMs() - startedMs;
      assert.ok(tookMs < MINUTE_MS, `${fault} kept the framework waiting for ${tookMs} ms`);
      return answer;
    };
    const told = await ask(mandate, () => assert.fail(`it ran under ${fault}`), inTime);
    assert.match(String(told), /Nothing was run/, fault);
  }
}

function messageOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => assert.fail('it was answered'),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

const input = { order: 7 };

test('tools of the AI SDK do not run, and its approval step denies', async () => {
  await underEveryFault(async (mandate, ran, inTime) => {
    const gate = createAiGate(mandate, { prefix: 'shop' });
    const { refund } = gate.tools({
      refund: { execute: (_input: object, _options: object): unknown => ran() },
    });
    const status = await inTime(
      gate.toolApproval({ toolCall: { toolName: 'refund', toolCallId: 'c-1', input } }),
    );
    assert.ok(status.type === 'denied' && /Nothing was run/.test(status.reason));
    const responses = await inTime(
      gate.approvalResponses([
        {
          type: 'tool-approval-request',
          approvalId: 'ap-1',
          toolCall: { toolName: 'refund', toolCallId: 'c-1', input },
        },
      ]),
    );
    assert.equal(responses?.content[0]?.approved, false);
    return inTime(messageOf(Promise.resolve(refund.execute(input, { toolCallId: 'c-1' }))));
  });
});

test('a tool of the AI SDK that runs elsewhere is not passed off as governed', () => {
  const mandate = createMandate({ apiKey: 'k', agent: 'a-1' });
  assert.throws(() => createAiGate(mandate).tools({ search: { type: 'provider' } }), /has no execute/);
  const given = { search: { type: 'provider' } };
  assert.deepEqual(createAiGate(mandate, { ungoverned: ['search'] }).tools(given), given);
});

test('tools of OpenAI Agents do not run, nor behind guardrails', async () => {
  await underEveryFault(async (mandate, ran, inTime) => {
    const gate = createAgentsGate(mandate, { prefix: 'shop' });
    const tool = gate.tool({
      name: 'refund',
      needsApproval: async (_context: unknown, _input: unknown, _callId?: string) => false,
      execute: async (_input: object, _context?: unknown, _details?: unknown): Promise<unknown> => ran(),
    });
    assert.equal(await inTime(tool.needsApproval(null, input, 'c-1')), false, 'a click could let it through');
    const toolCall = { name: 'refund', callId: 'c-2', arguments: JSON.stringify(input) };
    const [guardrail] = gate.guardrails().inputGuardrails;
    const guarded = await inTime(guardrail?.run({ toolCall }) ?? assert.fail('there is none'));
    assert.ok(guarded.behavior.type === 'rejectContent' && /Nothing was run/.test(guarded.behavior.message));
    const [settled] = await inTime(gate.settle([{ rawItem: { ...toolCall, type: 'function_call' } }]));
    assert.equal(settled?.status, 'denied');
    return inTime(messageOf(tool.execute(input, null, { toolCall: { callId: 'c-1' } })));
  });
});

test('tools of Mastra do not run', async () => {
  await underEveryFault(async (mandate, ran, inTime) => {
    const gate = createMastraGate(mandate, { prefix: 'shop' });
    const tool = gate.tool({
      id: 'refund',
      requireApproval: async (_input: unknown) => false,
      execute: async (_input: object, _context?: unknown): Promise<unknown> => ran(),
    });
    assert.equal(await inTime(tool.requireApproval(input)), false, 'a click could let it through');
    assert.equal((await inTime(gate.settle({ toolName: 'refund', args: input }))).kind, 'refused');
    return inTime(messageOf(tool.execute(input, { agent: { toolCallId: 'c-1' } })));
  });
});

test('tools of LangChain do not run, and no graph is interrupted for them', async () => {
  await underEveryFault(async (mandate, ran, inTime) => {
    const gate = createLangChainGate(mandate, {
      prefix: 'shop',
      interrupt: () => assert.fail('nobody could answer this interrupt'),
    });
    const given = {
      name: 'refund',
      _call: async (_input: object, _run?: unknown, _config?: unknown): Promise<unknown> => ran(),
    };
    const [tool] = gate.tools([given] as const);
    return inTime(messageOf(tool._call(input, undefined, { toolCall: { id: 'c-1' } })));
  });
});

test('hooks of Claude Code deny', async () => {
  await underEveryFault(async (mandate, _ran, inTime) => {
    const hook = createClaudeCodeHook(mandate);
    const event = {
      session_id: 's-1',
      tool_use_id: 'toolu_1',
      tool_name: 'Bash',
      tool_input: { command: 'ls' },
    };
    assert.deepEqual(await hook({ ...event, hook_event_name: 'PostToolUse' }), {});
    const answer = await inTime(hook({ ...event, hook_event_name: 'PreToolUse' }));
    assert.equal(answer.hookSpecificOutput?.permissionDecision, 'deny');
    return answer.hookSpecificOutput.permissionDecisionReason;
  });
});

test('a hook of the Agent SDK that is given nonsense denies instead of throwing', async () => {
  const [matcher] = claudeCodeHooks(createMandate({ apiKey: 'k', agent: 'a-1' })).PreToolUse;
  const options = { signal: new AbortController().signal };
  const answer = await matcher?.hooks[0]?.({ hook_event_name: 'PreToolUse' }, undefined, options);
  assert.equal(answer?.hookSpecificOutput?.permissionDecision, 'deny');
});

test('what is no tool is refused when it is wrapped, not when it is called', () => {
  const mandate = createMandate({ apiKey: 'k', agent: 'a-1' });
  assert.throws(() => createAgentsGate(mandate).tool({ execute: () => 1 }), /needs its name/);
  assert.throws(() => createMastraGate(mandate).tool({ id: 'refund' }), /has no execute/);
  assert.throws(() => createLangChainGate(mandate).tools([{ name: 'refund' }]), /no structured tool/);
  assert.throws(() => mandate.gate({ holdMs: 60_000 }), /0 to 50000 ms/);
});

test('a caller that gives up gets its own reason, and nothing runs', async () => {
  const mandate = createMandate({ apiKey: 'k', agent: 'a-1', fetch: () => new Promise(() => undefined) });
  const controller = new AbortController();
  const running = mandate
    .gate()
    .run({ tool: 'refund', input, signal: controller.signal }, () => assert.fail('it ran'));
  controller.abort(new Error('the user closed the window'));
  await assert.rejects(running, /the user closed the window/);
});

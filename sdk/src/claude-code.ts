// Claude Code under Mandate: its PreToolUse hook asks before each tool call, and the hooks after it tell how the call
// ended. One translation for both forms: functions for the Agent SDK, and the command `mandate hook claude-code`.
// The protocol: https://code.claude.com/docs/en/hooks
import type { Mandate } from './client.ts';
import type { GateOptions } from './gate.ts';
import { isFields } from './guard.ts';
import type { Begun } from './run.ts';
import { textAt } from './tool-options.ts';

/** What a hook answers on stdout, or from its function. `{}` says nothing. */
export interface ClaudeCodeAnswer {
  readonly systemMessage?: string;
  readonly hookSpecificOutput?: {
    readonly hookEventName: 'PreToolUse';
    readonly permissionDecision: 'allow' | 'deny';
    readonly permissionDecisionReason: string;
  };
}

/** Where a begun call is kept until it has ended: with the command, that is another process. */
export interface BegunCalls {
  /** False: there is one under this key already, which may be running. Rejects where it cannot be kept. */
  put(key: string, begun: Begun): Promise<boolean>;
  /** Once. null: nothing was begun under this key. */
  take(key: string): Promise<Begun | null>;
}

export interface ClaudeCodeOptions extends GateOptions {
  /** In memory unless given. */
  readonly calls?: BegunCalls | undefined;
}

/** One matcher of the `hooks` option of the Agent SDK's `query`. */
export interface ClaudeCodeMatcher {
  readonly hooks: ((
    input: unknown,
    toolUseId: string | undefined,
    options: { readonly signal: AbortSignal },
  ) => Promise<ClaudeCodeAnswer>)[];
}

type ClaudeCodeEvent = 'PreToolUse' | 'PostToolUse' | 'PostToolUseFailure' | 'PermissionDenied';

const EVENTS = ['PreToolUse', 'PostToolUse', 'PostToolUseFailure', 'PermissionDenied'] as const;

/** Answers one event. Never permits what Mandate has not; throws TypeError for what is no event of a tool. */
export function createClaudeCodeHook(
  mandate: Pick<Mandate, 'gate'>,
  options: ClaudeCodeOptions = {},
): (event: unknown, signal?: AbortSignal) => Promise<ClaudeCodeAnswer> {
  const { calls = createMemory(), ...gateOptions } = options;
  const gate = mandate.gate({
    action: (tool) => actionOf(tool),
    ...gateOptions,
  });

  async function before(event: ToolEvent, signal: AbortSignal | undefined): Promise<ClaudeCodeAnswer> {
    const { tool, input, session, callId } = event;
    const opening = await gate.begin({ tool, input, session, callId, signal });
    switch (opening.kind) {
      case 'held':
      case 'refused':
        return deny(opening.text);
      case 'ran':
        return deny(
          `Mandate has run it already; do not run it again. Its result: ${JSON.stringify(opening.result)}`,
        );
      case 'begun':
        break;
    }
    try {
      if (!(await calls.put(keyOf(event), opening.begun)))
        return deny(
          'The very same call has been begun already. Wait for its outcome and do not send it again.',
        );
    } catch (error) {
      await gate.giveUp(opening.begun, 'Its permit could not be kept; nothing was done.');
      return deny(`It was not run, because its permit could not be kept: ${messageOf(error)}`);
    }
    return decision('allow', `Permitted by Mandate as act ${opening.begun.id}.`);
  }

  async function afterwards(event: ToolEvent): Promise<ClaudeCodeAnswer> {
    const begun = await calls.take(keyOf(event));
    if (begun === null) return {};
    if (event.name === 'PermissionDenied') {
      await gate.giveUp(begun, 'The user or a permission rule of Claude Code denied it.');
      return {};
    }
    const isTold = await gate.end(
      begun,
      event.name === 'PostToolUse'
        ? { status: 'success', result: event.response }
        : { status: 'failed', error: new Error(event.error) },
    );
    return isTold
      ? {}
      : { systemMessage: `Mandate could not be told how act ${begun.id} ended; it will stand as unknown.` };
  }

  return async (given, signal) => {
    const event = readEvent(given);
    return event.name === 'PreToolUse' ? before(event, signal) : afterwards(event);
  };
}

/** For `query({ options: { hooks } })` of the Claude Agent SDK. */
export function claudeCodeHooks(
  mandate: Pick<Mandate, 'gate'>,
  options: ClaudeCodeOptions = {},
): Record<ClaudeCodeEvent, ClaudeCodeMatcher[]> {
  const hook = createClaudeCodeHook(mandate, options);
  const matchers = (): ClaudeCodeMatcher[] => [
    {
      hooks: [
        async (input, _toolUseId, { signal }) => {
          try {
            return await hook(input, signal);
          } catch (error) {
            // A hook that throws blocks nothing, so the answer to whatever went wrong is a denial.
            return textAt(input, 'hook_event_name') === 'PreToolUse' ? deny(messageOf(error)) : {};
          }
        },
      ],
    },
  ];
  return {
    PreToolUse: matchers(),
    PostToolUse: matchers(),
    PostToolUseFailure: matchers(),
    PermissionDenied: matchers(),
  };
}

/** `Bash` is `claude.Bash`; `mcp__github__create_issue` is `github.create_issue`, as it would be through the gateway. */
export function actionOf(tool: string): string {
  const [, server, name] = /^mcp__(.+?)__(.+)$/.exec(tool) ?? [];
  return server === undefined || name === undefined ? `claude.${tool}` : `${server}.${name}`;
}

interface ToolEvent {
  readonly name: ClaudeCodeEvent;
  readonly session: string;
  readonly callId: string;
  readonly tool: string;
  readonly input: unknown;
  readonly response: unknown;
  readonly error: string;
}

function readEvent(given: unknown): ToolEvent {
  const name = EVENTS.find((event) => event === textAt(given, 'hook_event_name'));
  const [session, callId, tool] = ['session_id', 'tool_use_id', 'tool_name'].map((field) =>
    textAt(given, field),
  );
  if (name === undefined || !isFields(given) || !session || !callId || !tool)
    throw new TypeError(
      `It is no event of a tool of Claude Code (hook_event_name one of ${EVENTS.join(', ')}, with session_id, tool_use_id and tool_name). Correct the hooks in settings.json.`,
    );
  return {
    name,
    session,
    callId,
    tool,
    input: given['tool_input'],
    response: given['tool_response'],
    error: textAt(given, 'error') ?? 'It failed without a message.',
  };
}

function keyOf({ session, callId }: ToolEvent): string {
  return JSON.stringify([session, callId]);
}

function deny(reason: string): ClaudeCodeAnswer {
  return decision('deny', reason);
}

function decision(permissionDecision: 'allow' | 'deny', reason: string): ClaudeCodeAnswer {
  return {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision,
      permissionDecisionReason: reason,
    },
  };
}

const MEMORY_MAX = 10_000;

function createMemory(): BegunCalls {
  const begunByKey = new Map<string, Begun>();
  return {
    async put(key, begun) {
      if (begunByKey.has(key)) return false;
      begunByKey.set(key, begun);
      const [oldest] = begunByKey.keys();
      if (begunByKey.size > MEMORY_MAX && oldest !== undefined) begunByKey.delete(oldest);
      return true;
    },
    async take(key) {
      const begun = begunByKey.get(key) ?? null;
      begunByKey.delete(key);
      return begun;
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

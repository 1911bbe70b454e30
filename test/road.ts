// What stories about the road say again and again: asking for an action, reading what came of it, approving it.
import assert from 'node:assert/strict';
import type { Door } from './door.ts';
import type { CallOptions, Reply, TestServer } from './server.ts';
import { until } from './until.ts';

/** An act or a problem, as the API answers; which of the fields are there depends on which it is. */
export interface ActReply {
  readonly id: string;
  readonly agent: string;
  readonly status: string;
  readonly code: string;
  readonly detail: string;
  readonly error?: string;
  readonly actionId?: string;
  readonly permit?: string;
  readonly result?: unknown;
  readonly trust?: { readonly before: number; readonly after: number };
  readonly approval?: { readonly id: string; readonly digest: string };
  readonly decision: {
    readonly tier: string;
    readonly effect: string;
    readonly code: string;
    readonly causes: readonly string[];
    readonly revision: number;
  };
}

export interface Wish {
  readonly agent?: string;
  readonly action?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly estimatedCostUsd?: number;
  readonly resource?: { readonly type: string; readonly id: string };
}

export interface StopReply {
  readonly confirmed: boolean;
  readonly requestedAt: string;
  readonly confirmedAt: string | null;
  readonly quietAt: string | null;
  readonly epoch: number;
  readonly inFlight: readonly { readonly id: string; readonly agent: string }[];
}

export type Caller = Pick<TestServer, 'call'>;

export function ask(server: Caller, wish: Wish = {}, options: CallOptions = {}): Promise<Reply<ActReply>> {
  return server.call<ActReply>(
    '/api/v1/actions',
    { agent: 'worker-1', action: 'test.run', ...wish },
    options,
  );
}

/** The same, and again as long as the answer is 503: a machine that is busy with other tests decides a little later. */
export async function askPatiently(
  server: Caller,
  wish: Wish = {},
  options: CallOptions = {},
): Promise<Reply<ActReply>> {
  return until(
    'it is decided',
    async () => {
      const answer = await ask(server, wish, options);
      return answer.status !== 503 && answer;
    },
    { withinMs: 30_000, everyMs: 200 },
  );
}

export function look(server: Caller, id: string, options: CallOptions = {}): Promise<Reply<ActReply>> {
  return server.call<ActReply>(`/api/v1/actions/${id}`, undefined, options);
}

/** Asks for something red and answers with the waiting act. */
export async function askHeld(
  server: Caller,
  wish: Wish,
  options: CallOptions = {},
): Promise<ActReply & { readonly approval: { readonly id: string; readonly digest: string } }> {
  const { status, body } = await ask(server, wish, options);
  assert.equal(status, 202, JSON.stringify(body));
  assert.ok(body.approval !== undefined);
  return { ...body, approval: body.approval };
}

export function approve(
  server: Caller,
  approval: { readonly id: string; readonly digest: string },
  options: CallOptions = {},
): Promise<Reply<{ readonly status: string; readonly code: string; readonly detail: string }>> {
  return server.call(
    `/api/v1/approvals/${approval.id}/decision`,
    { decision: 'approve', digest: approval.digest },
    options,
  );
}

export function stop(
  server: Caller,
  body: Readonly<Record<string, unknown>> = {},
): Promise<Reply<StopReply>> {
  return server.call<StopReply>('/api/v1/stop', { reason: 'a story', ...body });
}

export function resume(
  server: Caller,
  body: Readonly<Record<string, unknown>> = {},
): Promise<Reply<{ readonly resumed: boolean }>> {
  return server.call('/api/v1/resume', { reason: 'the story goes on', ...body });
}

/** Runs `times` calls, at most `width` of them at once. */
export async function many<T>(
  times: number,
  width: number,
  run: (at: number) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < times) {
      const at = next;
      next += 1;
      results[at] = await run(at);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, times) }, lane));
  return results;
}

/** A door (a server in this process, whose clock a test may own) asked in the same words as a process. */
export function callerOf(door: Pick<Door, 'call'>): Caller {
  return {
    async call<Body>(
      path: string,
      body?: unknown,
      { key, method, headers }: CallOptions = {},
    ): Promise<Reply<Body>> {
      const answered = await door.call(method ?? (body === undefined ? 'GET' : 'POST'), path, {
        ...(body === undefined ? {} : { body }),
        ...(key === undefined ? {} : { key }),
        ...(headers === undefined ? {} : { headers }),
      });
      return { status: answered.status, headers: answered.headers, body: answered.json as Body };
    },
  };
}

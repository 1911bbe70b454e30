// What the tests of MCP executors share: upstreams over the fixture server or any other setting, and readers of results.
import assert from 'node:assert/strict';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { Json, JsonObject } from '@mandate/kernel';
import { z } from 'zod';
import type { ExecutionOutcome } from './execution.ts';
import { createManualTime, GRACE_MS, runOf, SECRET, silentLog, temporaryDirectory } from './kit.test.ts';
import type { ManualTime } from './kit.test.ts';
import { loadMcp } from './load-mcp.ts';
import type { McpNeeds, McpSetting, McpUpstream } from './mcp.ts';

export const node = process.execPath;
const fixture = path.join(import.meta.dirname, 'fixtures', 'mcp-server.mjs');

interface Given {
  readonly args?: readonly string[];
  readonly setting?: McpSetting;
  readonly time?: ManualTime;
  readonly baseDir?: string;
  readonly timeoutMs?: number;
}

export async function upstreamFor(t: TestContext, given: Given = {}): Promise<McpUpstream> {
  const needs: McpNeeds = {
    baseDir: given.baseDir ?? (await temporaryDirectory(t)),
    allowedDirs: [],
    environment: { PATH: process.env['PATH'], HOME: '/nowhere' },
    after: (given.time ?? createManualTime()).after,
    killGraceMs: GRACE_MS,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    secrets: (name) => (name === 'mcp-token' ? SECRET : null),
    log: silentLog,
  };
  const { createMcpUpstream } = await loadMcp();
  const { args = [], timeoutMs = 30_000 } = given;
  const upstream = createMcpUpstream(
    'files',
    given.setting ?? { kind: 'mcp', mcp: [node, fixture, ...args], cwd: '.', timeoutMs },
    needs,
  );
  t.after(() => upstream.close());
  return upstream;
}

export function call(
  upstream: McpUpstream,
  tool: string,
  parameters: JsonObject = {},
  part: Parameters<typeof runOf>[0] = {},
) {
  return upstream.run(runOf({ action: `files.${tool}`, parameters, ...part }));
}

export function codeOf(outcome: ExecutionOutcome): string {
  return outcome.kind === 'failed' ? outcome.code : outcome.kind;
}

/** The first text block of a tool's result, which the fixtures fill with JSON. */
export function textOf(outcome: ExecutionOutcome): Json {
  assert.equal(outcome.kind, 'success', JSON.stringify(outcome));
  const { content } = z
    .object({ content: z.array(z.object({ text: z.string() })).min(1) })
    .parse(outcome.kind === 'success' ? outcome.result : null);
  return z.json().parse(JSON.parse(content[0]?.text ?? 'null'));
}

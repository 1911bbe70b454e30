// The hook as Claude Code runs it: a process for each event, JSON on stdin, an answer on stdout, an exit code.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { wholeFile } from '../../../test/closing.ts';
import { startServer } from '../../../test/server.ts';
import type { TestServer } from '../../../test/server.ts';
import { openPeer } from '../../../test/peer.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const file = wholeFile();
let server: TestServer;
let key: string;
let folder: string;

before(async () => {
  const charter = `
version: 1
extends: default
tiers:
  green: { actions: [claude.Read, github.list_issues] }
  red: { actions: [{ match: claude.Write, approvers: [admin] }] }
  black: { actions: [claude.Bash] }
`;
  server = await startServer(file, { charter });
  key = await server.makeKey({ roles: ['agent'], agents: ['claude-code'] });
  folder = await mkdtemp(join(tmpdir(), 'mandate-hook-test-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Answered {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function hook(
  event: unknown,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Answered> {
  const child = spawn(
    process.execPath,
    ['--conditions=mandate-source', MAIN, 'hook', 'claude-code', '--wait', '0', ...args],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        XDG_RUNTIME_DIR: folder,
        MANDATE_URL: server.url,
        MANDATE_API_KEY: key,
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  child.stdin.on('error', () => undefined);
  child.stdin.end(typeof event === 'string' ? event : JSON.stringify(event));
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

function event(name: string, id: string, tool: string, more: object = {}) {
  return {
    session_id: 's-1',
    transcript_path: '/nowhere',
    cwd: folder,
    permission_mode: 'default',
    hook_event_name: name,
    tool_name: tool,
    tool_input: { file_path: join(folder, 'note.txt') },
    tool_use_id: id,
    ...more,
  };
}

function decisionIn({ code, stdout }: Answered): { readonly decision: string; readonly reason: string } {
  assert.equal(code, 0);
  const { hookSpecificOutput: output } = JSON.parse(stdout) as {
    readonly hookSpecificOutput: Readonly<Record<string, string>>;
  };
  assert.equal(output['hookEventName'], 'PreToolUse');
  return { decision: output['permissionDecision'] ?? '', reason: output['permissionDecisionReason'] ?? '' };
}

async function statuses(): Promise<readonly string[]> {
  const { body } = await server.call<{ items: { action: string; status: string }[] }>(
    '/api/v1/actions?agent=claude-code',
  );
  return body.items.map(({ action, status }) => `${action} ${status}`);
}

test('what may run is allowed, and the hooks after it report how it ended', async () => {
  const read = decisionIn(await hook(event('PreToolUse', 'toolu_1', 'Read')));
  assert.equal(read.decision, 'allow');
  const [kept = ''] = await readdir(folder);
  assert.equal((await stat(join(folder, kept))).mode & 0o777, 0o700);
  const told = await hook(event('PostToolUse', 'toolu_1', 'Read', { tool_response: { lines: 3 } }));
  assert.deepEqual([told.code, told.stdout], [0, '{}\n']);
  const listed = decisionIn(await hook(event('PreToolUse', 'toolu_2', 'mcp__github__list_issues')));
  assert.equal(listed.decision, 'allow');
  await hook(event('PostToolUseFailure', 'toolu_2', 'mcp__github__list_issues', { error: 'no network' }));
  assert.deepEqual(await statuses(), ['github.list_issues failed', 'claude.Read success']);
  assert.deepEqual(await readdir(join(folder, kept)), [], 'permits stay behind');
});

test('what is held or black is denied, and an approval lets the very same call through', async () => {
  const black = decisionIn(await hook(event('PreToolUse', 'toolu_3', 'Bash')));
  assert.equal(black.decision, 'deny');
  assert.match(black.reason, /claude\.Bash was not run \(denied\)/);
  const held = decisionIn(await hook(event('PreToolUse', 'toolu_4', 'Write')));
  assert.equal(held.decision, 'deny');
  assert.match(held.reason, /waits for approval.*make the very same call again/);
  const { body } = await server.call<{ items: { id: string; digest: string }[] }>(
    '/api/v1/approvals?status=pending',
  );
  const [approval] = body.items;
  assert.ok(approval !== undefined && body.items.length === 1);
  await server.call(`/api/v1/approvals/${approval.id}/decision`, {
    decision: 'approve',
    digest: approval.digest,
    reason: 'fine',
  });
  const again = await hook(event('PreToolUse', 'toolu_5', 'Write'));
  assert.equal(decisionIn(again).decision, 'allow');
  await hook(event('PermissionDenied', 'toolu_5', 'Write', { reason: 'the user said no' }));
  assert.ok((await statuses()).includes('claude.Write unknown'));
});

test('the server is found as every command finds it: by its data directory too', async () => {
  const found = await hook(event('PreToolUse', 'toolu_dir', 'Read'), { MANDATE_URL: '' }, [
    '--data-dir',
    server.dataDir,
  ]);
  assert.equal(decisionIn(found).decision, 'allow', found.stderr);
  const port = { MANDATE_URL: '', PORT: new URL(server.url).port };
  const byPort = await hook(event('PreToolUse', 'toolu_port', 'Read'), port);
  assert.equal(decisionIn(byPort).decision, 'allow', byPort.stderr);
});

test('the same event twice is allowed once', async () => {
  const both = await Promise.all([
    hook(event('PreToolUse', 'toolu_6', 'Read')),
    hook(event('PreToolUse', 'toolu_6', 'Read')),
  ]);
  assert.deepEqual(both.map((answer) => decisionIn(answer).decision).toSorted(), ['allow', 'deny']);
});

test('an unreachable or foreign server is a denial, and what is no question is blocked with exit code 2', async (t) => {
  const read = event('PreToolUse', 'toolu_7', 'Read');
  const alone = decisionIn(await hook(read, { MANDATE_URL: 'http://127.0.0.1:9' }));
  assert.equal(alone.decision, 'deny');
  assert.match(alone.reason, /cannot be reached/);
  const foreign = await openPeer(t, (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"decision":"allow"}'),
  );
  assert.equal(decisionIn(await hook(read, { MANDATE_URL: foreign.url })).decision, 'deny');
  const blocked = await Promise.all([
    hook('no JSON'),
    hook({ ...read, hook_event_name: 'SessionStart' }),
    hook(read, { MANDATE_API_KEY: '' }),
    hook(read, { MANDATE_URL: 'ftp://nowhere' }),
    hook(read, {}, ['--wait', '600']),
    hook(read, {}, ['--no-such-option']),
  ]);
  for (const { code, stdout, stderr } of blocked) {
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.notEqual(stderr, '');
  }
});

test('a permit is not taken before a user is asked: --ask, which did that, blocks', async () => {
  const asked = await hook(event('PreToolUse', 'toolu_ask', 'Read'), {}, ['--ask']);
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, /unknown option '--ask'/);
});

// Under four eyes no one person both writes what runs and approves it. Whoever edits an action that waits has written what
// runs then, so they count among those who ask for it, and so does everybody who edited it before.
import assert from 'node:assert/strict';
import test from 'node:test';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { openDoor } from '../test/door.ts';
import { approve, askHeld, callerOf } from '../test/road.ts';

const CHARTER = `version: 1
tiers: { red: { actions: [{ match: portal.write, approvers: [tech-lead], fourEyes: true }] } }
`;

interface ApprovalReply {
  readonly id: string;
  readonly digest: string;
  readonly status: string;
  readonly code: string;
  readonly detail: string;
  readonly missing: string | null;
  readonly editors: readonly string[];
  readonly votes: readonly unknown[];
}

test('under four eyes whoever edits is one of those who ask: others have to approve what was written', async (t) => {
  const door = await openDoor({ after: (fn) => t.after(fn) }, { clock: manualClock(), charter: CHARTER });
  const server = callerOf(door);
  const agent = await door.makeKey({ roles: ['agent'], agents: ['worker-1'], user: { id: 'uma' } });
  const agentKey = agent.text;
  const asked = { action: 'portal.write', parameters: { text: 'delete all', n: 5 } };
  const held = await askHeld(server, asked, { key: agentKey });
  const keyOf = async (id: string, ...roles: ('tech-lead' | 'viewer')[]): Promise<string> =>
    (await door.makeKey({ roles, user: { id } })).text;
  const [ada, ann] = [await keyOf('ada', 'tech-lead'), await keyOf('ann', 'tech-lead')];
  const [lea, uma] = [await keyOf('lea', 'tech-lead'), await keyOf('uma', 'tech-lead')];
  const decide = (shown: ApprovalReply, key: string) =>
    server.call<ApprovalReply>(
      `/api/v1/approvals/${shown.id}/decision`,
      { decision: 'approve', digest: shown.digest },
      { key },
    );
  const edit = (shown: { id: string; digest: string }, text: string, key: string) =>
    server.call<ApprovalReply>(
      `/api/v1/approvals/${shown.id}/edit`,
      { digest: shown.digest, parameters: { text, n: 5 }, reason: 'one is enough' },
      { key },
    );
  const viewer = await edit(held.approval, 'delete one', await keyOf('vera', 'viewer'));
  assert.equal(viewer.status, 403, 'who may not approve it may not edit it');
  const behind = await edit(held.approval, 'delete one', uma);
  assert.equal(behind.status, 403, 'nor on whose authority it was asked');
  const still = await server.call<ApprovalReply>(`/api/v1/approvals/${held.approval.id}`);
  assert.equal(still.body.status, 'pending', 'a refused edit changes nothing');
  const edited = await edit(held.approval, 'delete one', ada);
  assert.deepEqual([edited.status, edited.body.status], [201, 'pending'], JSON.stringify(edited.body));
  assert.deepEqual([edited.body.votes.length, edited.body.editors], [0, ['user:ada']]);
  assert.match(edited.body.missing ?? '', /user:ada wrote it, so others/);
  const own = await decide(edited.body, ada);
  assert.deepEqual([own.status, own.body.code], [403, 'forbidden']);
  assert.match(own.body.detail, /user:ada wrote what is asked for/);

  const again = await edit(edited.body, 'delete none', ann);
  assert.deepEqual(again.body.editors, ['user:ada', 'user:ann'], 'nor whoever wrote it before');
  for (const key of [ada, ann]) assert.equal((await decide(again.body, key)).status, 403);
  const page = await door.call('GET', `/approvals/${again.body.id}`, { key: ada });
  assert.ok(page.status === 200 && !page.text.includes('<form'));
  await assert.rejects(
    door.infrastructure.store.withTenant(
      'default',
      (tx) => tx`update mandate.approval set editors = '{}' where id = ${again.body.id}`,
    ),
    /keeps its editors/,
  );
  assert.equal((await approve(server, again.body, { key: lea })).body.status, 'approved');
});

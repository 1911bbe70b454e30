// pgbench scripts that do in SQL what the server does: the act, the journal entry and the sealed evidence have the
// shape and the size that the server gives them, because the functions that build them are its own.
import { canonicalJson } from '@mandate/kernel';
import type { Action, Decision } from '@mandate/kernel';
import { draftAct, draftEntry } from '../../server/src/act/actions/draft.ts';
import type { Journey } from '../../server/src/act/actions/draft.ts';
import { bareAsker } from '../../server/src/platform/identity/asker.ts';

export interface StatementNeeds {
  readonly tenant: string;
  readonly action: Action;
  readonly decision: Decision;
  /** Sets the agents of this run apart from those of all others. */
  readonly run: string;
}

// Variables of pgbench; each client is an agent of its own. Two random numbers of decimal digits make a UUID.
const RANDOM = '\\set a random(10000000, 99999999)\n\\set b random(100000000000, 999999999999)\n';
const ID = ':a-0000-4000-8000-:b';
const SEALED_OVERHEAD = 64;

/** One transaction: act_start() for an act that the agent executes, or one that Mandate does. */
export function startScript(needs: StatementNeeds, status: 'permitted' | 'executing'): string {
  return `${RANDOM}${startStatement(needs, status)}`;
}

/** Two transactions, as for an act that Mandate executes: act_start() and act_finish(). */
export function finishScript(needs: StatementNeeds): string {
  // An agent's trust has version 1 when it is registered and one more after each outcome; each client counts its own.
  const trust = `{"version": :v, "score": 50, "streak": 1, "failuresInRow": 0, "gainedToday": 10, "gainedDay": 1, "levelFell": false}`;
  const entries = [
    entryOf(needs, 'action.succeeded', canonicalJson({ action: needs.action.action })),
    entryOf(
      needs,
      'trust.moved',
      canonicalJson({ before: 50, after: 50, cause: 'a medium success after 1 in a row' }),
    ),
  ];
  const finish = `select mandate.act_finish('${needs.tenant}', now(), '${ID}', '{executing,unknown}', 'success', decode('${'ab'.repeat(60)}', 'hex'), null, null, '${trust}', null, null, ${jsonb(entries)});\n`;
  return `${RANDOM}${startStatement(needs, 'executing')}\\set v :v + 1\n${finish}`;
}

/** The same two rows without any law: what two durable inserts in one transaction cost. */
export function insertScript(needs: StatementNeeds): string {
  const act = jsonb(actOf(needs, 'permitted'));
  return `${RANDOM}select set_config('app.tenant', '${needs.tenant}', true) \\; select mandate.act_insert('${needs.tenant}', now(), ${act}, ${sealed(needs)}, 1) \\; select mandate.journal_write('${needs.tenant}', ${jsonb(startEntries(needs))});\n`;
}

function startStatement(needs: StatementNeeds, status: 'permitted' | 'executing'): string {
  return `select mandate.act_start('${needs.tenant}', now(), ${needs.decision.revision}, ${jsonb(actOf(needs, status))}, ${sealed(needs)}, 50, 1000, null, null, ${jsonb(startEntries(needs))});\n`;
}

function journeyOf({ action, tenant }: StatementNeeds): Journey {
  const asker = bareAsker({
    id: `agent:${action.agent}`,
    tenant,
    roles: ['agent'],
    agents: [action.agent],
    userRoles: ['agent'],
    keyId: 'key_bench',
    traceId: 'ab'.repeat(16),
  });
  return {
    asker,
    action,
    digest: 'ab'.repeat(32),
    id: ID,
    waiting: false,
    attach: false,
    executor: null,
    idempotency: null,
    compensates: null,
  };
}

function agentOf(needs: StatementNeeds): string {
  return `${needs.run}-:client_id`;
}

function actOf(needs: StatementNeeds, status: 'permitted' | 'executing'): object {
  const nowMs = Date.now();
  const startByMs = status === 'permitted' ? nowMs + 5_000 : null;
  return {
    ...draftAct(journeyOf(needs), needs.decision, { status, startByMs, deadlineMs: nowMs + 900_000 }),
    agent: agentOf(needs),
  };
}

function startEntries(needs: StatementNeeds): readonly object[] {
  const entry = draftEntry(journeyOf(needs), 'action.permitted', needs.decision, Date.now());
  return [{ ...entry, agent: agentOf(needs), data: canonicalJson(entry.data) }];
}

function entryOf(needs: StatementNeeds, kind: string, data: string): object {
  return {
    kind,
    agent: agentOf(needs),
    actId: ID,
    actor: 'executor:bench',
    atMs: Date.now(),
    traceId: 'ab'.repeat(16),
    data,
  };
}

function sealed({ action, decision }: StatementNeeds): string {
  const bytes =
    JSON.stringify({
      action,
      asker: journeyOf({ action, decision, tenant: 'default', run: '' }).asker,
      facts: FACTS,
    }).length + SEALED_OVERHEAD;
  return `decode('${'5e'.repeat(bytes)}', 'hex')`;
}

// About what the facts of an ordinary moment hold.
const FACTS = {
  tenant: 'default',
  nowMs: 1_790_000_000_000,
  revision: 7,
  mode: 'FULL',
  principal: { id: 'agent:x', roles: ['agent'] },
  trust: {
    score: 50,
    streak: 0,
    failuresInRow: 0,
    gainedToday: 0,
    gainedDay: 20_000,
    movedMs: 1_790_000_000_000,
  },
  userScopes: null,
  userRoles: ['agent'],
  grants: [],
  restrictions: [],
  used: { 'usd/tenant': 1_000 },
  approval: null,
  deployment: null,
  findings: [],
};

// pgbench takes :name for a variable wherever it stands. Names of our own are kept; any other colon before a letter or
// a digit gets a space, which changes the size of a text by nothing that matters.
function jsonb(value: object): string {
  const text = JSON.stringify(value).replace(/:(?=[A-Za-z0-9_])/g, (_colon, at: number, whole: string) =>
    /^:(?:client_id|a|b|v)\b/.test(whole.slice(at)) ? ':' : ': ',
  );
  return `'${text.replaceAll("'", "''")}'::jsonb`;
}

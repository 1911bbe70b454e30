// The session itself: what an agent tries, what people do about it, and what must come of it. Nothing here knows an
// answer in advance; each fact is read from the server, from the client or from the disk after it happened.
import { listAt, textAt, textsAt, valueAt } from '../read.ts';
import { oneLine } from '../show.ts';
import { AGENT, FILES, UPSTREAM } from './charter.ts';
import { aboutAct, contentOf, factsOf, newestAct, typedFacts } from './evidence.ts';
import type { Facts, Outcome, Play, Scene, Storyteller } from './scene.ts';
import type { Stage } from './stage.ts';

/** How the decision stands in the answer of a call that did not run. */
const META = 'dev.mandate/decision';

export interface SessionNeeds {
  readonly stage: Stage;
  readonly storyteller: Storyteller;
  /** How people call this command line. */
  readonly self: string;
  /** Looks like a credential and opens nothing. */
  readonly token: string;
}

export async function playSession(needs: SessionNeeds): Promise<readonly Scene[]> {
  const { stage, storyteller, self, token } = needs;
  return [
    await storyteller.scene('read', 'Reading is green: it runs.', (play) => reads(play, stage)),
    await storyteller.scene('change', 'A change is yellow: it runs, and people are told.', (play) =>
      changes(play, stage),
    ),
    await storyteller.scene(
      'env',
      'Writing .env is red: it waits for a person, and runs exactly as approved.',
      (play) => waits(play, stage, self),
    ),
    await storyteller.scene('audit', 'Deleting the audit log is black: nobody can approve it.', (play) =>
      isRefused(play, stage),
    ),
    await storyteller.scene(
      'leak',
      'A credential in a parameter is caught, whatever the rule says.',
      (play) => leaks(play, { stage, self, token }),
    ),
    await storyteller.scene('stop', 'A stop: nothing begins any more, until somebody resumes.', (play) =>
      stops(play, stage, self),
    ),
  ];
}

async function reads(play: Play, stage: Stage): Promise<void> {
  await play(`${AGENT} calls ${UPSTREAM}.read_text_file README.md`, () => readsFile(stage));
}

async function readsFile(stage: Stage): Promise<Outcome> {
  const answer = await stage.callTool('read_text_file', { path: 'README.md' });
  const act = await newestAct(stage);
  const answered = contentOf(answer);
  return {
    promised: {
      tier: 'green',
      status: 'success',
      action: `${UPSTREAM}.read_text_file`,
      answer: FILES['README.md'],
    },
    seen: { ...factsOf(act), answer: answered },
    happened: `It ran: ${oneLine(answered.split('\n')[0])}`,
    ...aboutAct(act),
  };
}

async function changes(play: Play, stage: Stage): Promise<void> {
  const file = 'greet.js';
  const changed = FILES[file].replace('Hello', 'Welcome');
  await play(`${AGENT} calls ${UPSTREAM}.edit_file ${file}: Hello becomes Welcome`, async () => {
    await stage.callTool('edit_file', { path: file, edits: [{ oldText: 'Hello', newText: 'Welcome' }] });
    const act = await newestAct(stage);
    const now = await stage.read(file);
    return {
      promised: { tier: 'yellow', status: 'success', action: `${UPSTREAM}.edit_file`, file: changed },
      seen: { ...factsOf(act), file: now },
      happened: `It ran and is noted for the next digest; on disk: ${oneLine((now ?? '').trimEnd())}`,
      ...aboutAct(act),
    };
  });
}

async function waits(play: Play, stage: Stage, self: string): Promise<void> {
  const file = '.env';
  const content = 'GREETING=Welcome\n';
  const call = { path: file, content };
  const held = await play(`${AGENT} calls ${UPSTREAM}.write_file ${file}`, () => isHeld(stage, call));
  const approvalId = String(held.seen['approvalId']);
  const reason = 'the setting is right';
  await play(`A person types: ${self} approve ${approvalId} --reason "${reason}"`, async () => {
    const typed = await stage.type(['approve', approvalId, '--reason', reason]);
    return {
      promised: { exitCode: 0, status: 'approved', file: null },
      seen: { ...typedFacts(typed), status: textAt(typed.document, 'status'), file: await stage.read(file) },
      happened: `${AGENT} may now send exactly this call again, once.`,
    };
  });
  await play(`${AGENT} sends the identical call again`, async () => {
    await stage.callTool('write_file', call);
    const act = await stage.admin.need({ method: 'GET', path: `/api/v1/actions/${held.actionId ?? ''}` });
    const now = await stage.read(file);
    return {
      promised: { tier: 'red', status: 'success', code: 'approved', file: content },
      seen: { ...factsOf(act), file: now },
      happened: `It ran; ${file} is really there: ${oneLine((now ?? '').trimEnd())}`,
      ...aboutAct(act),
    };
  });
}

/** A write that must wait, and of which nothing may be on disk. */
async function isHeld(
  stage: Stage,
  call: { readonly path: string; readonly content: string },
  more: (act: unknown, approval: unknown) => { readonly promised: Facts; readonly seen: Facts } = () => ({
    promised: {},
    seen: {},
  }),
): Promise<Outcome> {
  const answer = await stage.callTool('write_file', call);
  const approvalId = textAt(answer, '_meta', META, 'approval', 'id');
  const act = await stage.admin.need({
    method: 'GET',
    path: `/api/v1/actions/${textAt(answer, '_meta', META, 'actionId')}`,
  });
  const approval = await stage.admin.need({ method: 'GET', path: `/api/v1/approvals/${approvalId}` });
  const { promised, seen } = more(act, approval);
  return {
    promised: { tier: 'red', status: 'waiting_for_approval', isError: true, file: null, ...promised },
    seen: {
      ...factsOf(act),
      approvalId,
      isError: valueAt(answer, 'isError') === true,
      file: await stage.read(call.path),
      ...seen,
    },
    happened: 'It waits; nothing has been written.',
    ...aboutAct(act),
  };
}

async function isRefused(play: Play, stage: Stage): Promise<void> {
  await play(`${AGENT} asks for audit.delete, with its own key`, async () => {
    const answer = await stage.agent.send({
      method: 'POST',
      path: '/api/v1/actions',
      body: { agent: AGENT, action: 'audit.delete', parameters: { before: 'today' } },
    });
    const problem = answer.kind === 'problem' ? answer.problem : {};
    const decision = valueAt(problem, 'decision');
    return {
      promised: { httpStatus: 403, code: 'denied', tier: 'black' },
      seen: {
        httpStatus: answer.kind === 'unreachable' ? 0 : answer.status,
        code: textAt(problem, 'code'),
        tier: textAt(decision, 'tier'),
      },
      happened: 'Denied.',
      reasons: textsAt(decision, 'reasons'),
      actionId: textAt(problem, 'actionId'),
    };
  });
}

interface LeakNeeds {
  readonly stage: Stage;
  readonly self: string;
  readonly token: string;
}

async function leaks(play: Play, { stage, self, token }: LeakNeeds): Promise<void> {
  const call = {
    path: 'config.js',
    content: `export const github = connect('${token}');\n`,
  };
  const held = await play(
    `${AGENT} calls ${UPSTREAM}.write_file ${call.path}, with a credential in its content`,
    async () => {
      const outcome = await isHeld(stage, call, (act, approval) => {
        const finding = listAt(act, 'decision', 'findings').find(
          (it) => textAt(it, 'check') === 'secret_leak',
        );
        const shown = textAt(approval, 'display', 'parameters', 'content');
        return {
          promised: { finding: 'critical', isShownRedacted: true, isTokenShown: false },
          seen: {
            finding: textAt(finding, 'severity'),
            shown,
            isShownRedacted: shown.includes('[redacted:'),
            isTokenShown: JSON.stringify([act, approval]).includes(token),
          },
        };
      });
      return {
        ...outcome,
        happened: `It waits; people are shown ${oneLine(String(outcome.seen['shown']).trimEnd())}`,
      };
    },
  );
  const approvalId = String(held.seen['approvalId']);
  const reason = 'no credentials in files';
  await play(`A person types: ${self} deny ${approvalId} --reason "${reason}"`, async () => {
    const typed = await stage.type(['deny', approvalId, '--reason', reason]);
    const journal = await stage.admin.need({ method: 'GET', path: '/api/v1/audit/entries' });
    return {
      promised: { exitCode: 0, status: 'denied', file: null, isTokenInJournal: false },
      seen: {
        ...typedFacts(typed),
        status: textAt(typed.document, 'status'),
        file: await stage.read(call.path),
        isTokenInJournal: JSON.stringify(journal).includes(token),
      },
      happened: 'Denied. The file was never written, and the journal does not have the credential either.',
    };
  });
}

async function stops(play: Play, stage: Stage, self: string): Promise<void> {
  const reason = 'looking into something';
  await play(`A person types: ${self} stop --reason "${reason}"`, async () => {
    const typed = await stage.type(['stop', '--reason', reason]);
    const requestedAt = textAt(typed.document, 'requestedAt');
    const confirmedAt = textAt(typed.document, 'confirmedAt');
    return {
      promised: { exitCode: 0, confirmed: true },
      seen: {
        ...typedFacts(typed),
        confirmed: valueAt(typed.document, 'confirmed') === true,
        requestedAt,
        confirmedAt,
      },
      happened: `Requested ${timeOf(requestedAt)}, confirmed ${timeOf(confirmedAt)} (${Date.parse(confirmedAt) - Date.parse(requestedAt)} ms later): nothing begins any more.`,
    };
  });
  await play(`${AGENT} calls ${UPSTREAM}.read_text_file README.md`, async () => {
    const answer = await stage.callTool('read_text_file', { path: 'README.md' });
    const decision = valueAt(answer, '_meta', META);
    const path = `/api/v1/actions/${textAt(decision, 'actionId')}`;
    const act = await stage.admin.need({ method: 'GET', path });
    return {
      promised: { tier: 'black', status: 'denied', code: 'stopped', isError: true, hasStarted: false },
      seen: {
        ...factsOf(act),
        code: textAt(decision, 'code'),
        isError: valueAt(answer, 'isError') === true,
        hasStarted: valueAt(act, 'startedAt') !== undefined,
      },
      happened: 'Refused; it did not begin.',
      ...aboutAct(act),
    };
  });
  const better = 'all is well';
  await play(`A person types: ${self} resume --reason "${better}"`, async () => {
    const typed = await stage.type(['resume', '--reason', better]);
    return {
      promised: { exitCode: 0, resumed: true },
      seen: { ...typedFacts(typed), resumed: valueAt(typed.document, 'resumed') === true },
      happened: 'The stop is lifted.',
    };
  });
  await play(`${AGENT} calls ${UPSTREAM}.read_text_file README.md`, () => readsFile(stage));
}

/** The time of day to the millisecond, UTC. */
function timeOf(iso: string): string {
  return iso.slice(11, 23);
}

// Where it all stands afterwards: the journal entries of every scene, and how far each agent is trusted now. Read from
// the server like everything else; a scene without an entry would be a broken promise.
import { wait } from '../../platform/clock/clock.ts';
import type { Client } from '../client.ts';
import type { Cli } from '../command.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { listAt, numberAt, textAt } from '../read.ts';
import type { Scene } from './scene.ts';

export interface Entry {
  readonly position: number;
  readonly kind: string;
  readonly actionId: string | null;
  readonly at: string;
}

export interface Standing {
  readonly agent: string;
  readonly before: number;
  readonly after: number;
  readonly level: string;
}

export interface Recorded extends Scene {
  readonly journal: readonly Entry[];
}

export interface RecordNeeds {
  readonly cli: Cli;
  readonly admin: Client;
  readonly signal: AbortSignal;
}

/** Entries get their position a moment after they are committed. */
const LOOK_MS = 50;
const GIVE_UP_MS = 15_000;
const MOST = '1000';

export async function recordOf(needs: RecordNeeds, scenes: readonly Scene[]): Promise<readonly Recorded[]> {
  const entries = await readEntries(needs, scenes.at(-1)?.moves.at(-1)?.actionId ?? '');
  return scenes.map((scene) => {
    const journal = entries.filter(
      ({ at }) => Date.parse(at) >= scene.fromMs && Date.parse(at) <= scene.toMs,
    );
    const lost = scene.moves.filter(
      ({ actionId }) => actionId !== null && !journal.some((entry) => entry.actionId === actionId),
    );
    if (journal.length === 0 || lost.length > 0)
      throw broken(
        `an entry for everything in "${scene.promise}"`,
        `none for ${lost.map(({ tried }) => tried).join(', ') || 'any of it'}`,
      );
    return { ...scene, journal };
  });
}

/** Everything that is on record once the last act has its end there: positions follow the order of the commits. */
async function readEntries(
  { cli, admin, signal }: RecordNeeds,
  lastActId: string,
): Promise<readonly Entry[]> {
  const untilMs = cli.clock.monotonicMs() + GIVE_UP_MS;
  for (;;) {
    const answer = await admin.need({
      method: 'GET',
      path: '/api/v1/audit/entries',
      query: { after: '0', limit: MOST },
    });
    const entries = listAt(answer, 'items').map(entryOf);
    if (entries.some(({ kind, actionId }) => kind === 'action.succeeded' && actionId === lastActId))
      return entries;
    signal.throwIfAborted();
    if (cli.clock.monotonicMs() > untilMs)
      throw broken(
        `the end of action ${lastActId} in the journal`,
        `${entries.length} entries, and not that one`,
      );
    await wait(cli.clock, LOOK_MS, signal);
  }
}

function entryOf(item: unknown): Entry {
  const actionId = textAt(item, 'actId');
  return {
    position: numberAt(item, 'position') ?? 0,
    kind: textAt(item, 'kind'),
    actionId: actionId === '' ? null : actionId,
    at: textAt(item, 'at'),
  };
}

export async function standingsOf({ admin }: RecordNeeds): Promise<readonly Standing[]> {
  const listed = listAt(await admin.need({ method: 'GET', path: '/api/v1/agents' }), 'items');
  return Promise.all(
    listed.map(async (each) => {
      const agent = textAt(each, 'id');
      const shown = await admin.need({ method: 'GET', path: `/api/v1/agents/${encodeURIComponent(agent)}` });
      const after = numberAt(shown, 'trustScore') ?? 0;
      const moves = listAt(shown, 'history').map((move) => numberAt(move, 'before') ?? after);
      return { agent, before: moves.at(-1) ?? after, after, level: textAt(shown, 'trustLevel') };
    }),
  );
}

function broken(expected: string, happened: string): CommandFailed {
  return new CommandFailed('The demo did not go as promised.', {
    exitCode: EXIT.failure,
    code: 'promise_broken',
    steps: [`Expected: ${expected}`, `Happened: ${happened}`],
  });
}

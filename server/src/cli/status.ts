// One look: is it running, is anything stopped, what waits for people, what happened today.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { unreachable } from './client.ts';
import { fields, harmless } from './output.ts';
import { listAt, textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { counts, short } from './show.ts';
import { when } from './times.ts';

export function registerStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .helpGroup(GROUPS.server)
    .description('whether it runs, what is stopped, what waits')
    .action((_options: object, command: Command) => run(cli, command));
}

async function run(cli: Cli, command: Command): Promise<void> {
  const { out, self } = cli;
  const { client, json, location } = await openSession(cli, command);
  const health = await client.send({ method: 'GET', path: '/health', timeoutMs: 5_000 });
  if (health.kind !== 'ok') {
    const { sentinelOf } = await import('./offline.ts');
    const file = location.isThisMachine ? sentinelOf(location.config) : null;
    if (file !== null) out.talk(`Everything on this data directory is stopped by the file ${file}.`);
    throw unreachable(
      location.url,
      health.kind === 'unreachable' ? health.why : `it answered ${health.status}`,
      self,
    );
  }
  const get = (path: string) => client.need({ method: 'GET', path });
  const [ready, stop, stats, restrictions] = await Promise.all([
    get('/ready'),
    get('/api/v1/stop'),
    get('/api/v1/stats'),
    get('/api/v1/restrictions'),
  ]);
  if (json)
    return out.json({
      url: client.url,
      version: valueAt(health.body, 'version'),
      ready,
      stop,
      stats,
      restrictions: valueAt(restrictions, 'items'),
    });

  const isStopped = valueAt(stop, 'stopped') === true;
  const isReady = textAt(ready, 'status') === 'ready';
  const state = isStopped
    ? out.tint('stopped', 'red')
    : isReady
      ? out.tint('running', 'green')
      : out.tint('not ready', 'yellow');
  const others = listAt(restrictions, 'items').filter((item) => textAt(item, 'kind') !== 'stop');
  const nowMs = cli.clock.nowMs();
  const pending = textAt(stats, 'pendingApprovals');
  const charter = listAt(ready, 'checks').find((check) => textAt(check, 'name') === 'charter');
  out.data(`Mandate ${harmless(textAt(health.body, 'version'))} at ${client.url}: ${state}`);
  out.data(
    fields(
      [
        [
          'stops',
          [
            ...(valueAt(stop, 'sentinel') === true ? ['the file STOP is in the data directory'] : []),
            ...listAt(stop, 'stops').map((item) =>
              harmless(
                `${textAt(item, 'scope')} (${textAt(item, 'level')}) since ${when(textAt(item, 'since'), nowMs)} by ${textAt(item, 'by')}: ${textAt(item, 'cause')}`,
              ),
            ),
            ...(isStopped ? [`lift with: ${self} resume --reason "…"`] : []),
          ],
        ],
        [
          'not ready',
          isReady
            ? []
            : listAt(ready, 'checks')
                .filter((check) => valueAt(check, 'ok') !== true)
                .map((check) => harmless(`${textAt(check, 'name')}: ${textAt(check, 'detail')}`)),
        ],
        [
          'restrictions',
          others.map((item) =>
            harmless(`${textAt(item, 'kind')} on ${textAt(item, 'scope')}: ${textAt(item, 'cause')}`),
          ),
        ],
        [
          'waiting',
          pending === '0' ? 'nothing waits for a person' : `${pending} for a person: ${self} inbox`,
        ],
        [
          'agents',
          `${textAt(stats, 'agents')} known, ${textAt(stats, 'frozenAgents')} frozen, ${textAt(stats, 'liveActs')} acts in flight`,
        ],
        [
          'today',
          [
            counts(stats, 'today', 'byStatus') || 'nothing yet',
            `${textAt(stats, 'today', 'costUsd') || '0'} USD`,
          ],
        ],
        ['charter', short(textAt(charter, 'detail'))],
      ],
      out.tint,
    ),
  );
}

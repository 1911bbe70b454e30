// The first thing that somebody sees of Mandate: where it is, what it goes by, where the key lies, how to stop it and
// what to try next.
import { relative } from 'node:path';
import type { Config } from '../platform/config/config.ts';
import type { Serving } from './host.ts';
import { fields } from './output.ts';
import type { Tint } from './output.ts';
import { local } from './times.ts';

export interface Greeting {
  readonly config: Config;
  readonly serving: Serving;
  readonly version: string;
  readonly self: string;
  readonly tookMs: number;
  /** Whether the sentinel file is there. */
  readonly isStopped: boolean;
}

type Tinter = (text: string, tint: Tint) => string;

export function greeting(
  { config, serving, version, self, tookMs, isStopped }: Greeting,
  tint: Tinter,
): string {
  const { url, database, adminKey } = serving;
  const lines = fields(
    [
      ['API', tint(url, 'cyan')],
      ['Reference', `${url}/reference`],
      ['Charter', charterLines(config, serving, tint)],
      ['Data', config.dataDir],
      [
        'Database',
        config.databaseUrl === null ? `embedded Postgres in ${database}` : `Postgres at ${database}`,
      ],
      ['Admin key', keyLines(serving, tint)],
    ],
    tint,
  );
  const steps = fields(
    [
      ['Try', tries(config, { self, isNew: adminKey.kind === 'created' }, tint)],
      [
        'Stop',
        [
          `Ctrl-C ends this server`,
          `${self} stop   ${tint('stops every agent, also when the server is down', 'dim')}`,
        ],
      ],
    ],
    tint,
  );
  const stopped = isStopped
    ? `\n\n  ${tint('Everything is stopped', 'red')}: the file STOP is in the data directory. ${self} resume --reason "…" lifts it.`
    : '';
  return `\n  ${tint('Mandate', 'bold')} ${version} ${tint(`ready in ${(tookMs / 1_000).toFixed(1)} s`, 'dim')}\n\n${lines}${stopped}\n\n${steps}\n`;
}

/** What counts, which is not always the file that was named. */
function charterLines({ charter: path }: Config, { charter }: Serving, tint: Tinter): readonly string[] {
  if (charter === null) return [tint('none that can be read: nothing is decided', 'red')];
  const { kind, version, by, atMs } = charter;
  const short = `version ${version.slice(0, 12)}`;
  if (path === null) return [`no file given, the one in force (${short})`];
  const file = nearest(path);
  const inForce = `in force is ${short}, from ${by} at ${local(new Date(atMs).toISOString())}`;
  switch (kind) {
    case 'file':
      return [`${file} (${short})`];
    case 'refused':
      return [
        tint(`${file} was not taken: it has mistakes, or is not there`, 'red'),
        `${inForce}; the log says why`,
      ];
    case 'elsewhere':
      return [inForce, `${file} is older than that and takes over when somebody changes it`];
  }
}

/** As somebody here would type it; a path that only climbs is better read whole. */
function nearest(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

/** What to type next, in another shell: there nobody knows a data directory that is not the default one. */
function tries(
  config: Config,
  { self, isNew }: { readonly self: string; readonly isNew: boolean },
  tint: Tinter,
): readonly string[] {
  return [
    ...(config.origins.dataDir === 'default'
      ? []
      : [`export MANDATE_DATA_DIR='${config.dataDir}'   ${tint('in another shell, first', 'dim')}`]),
    `${self} request builder-1 test.run_suite`,
    ...(isNew
      ? [
          `${self} request builder-1 deploy.production   ${tint('waits for a person:', 'dim')} ${self} inbox`,
          `${self} demo   ${tint('a real session under governance, on a server of its own', 'dim')}`,
        ]
      : []),
  ];
}

function keyLines({ url, adminKey }: Serving, tint: Tinter): readonly string[] {
  switch (adminKey.kind) {
    case 'created':
      // In the fragment, which a browser sends to nobody.
      return [
        `${tint(adminKey.text, 'bold')}   ${tint('shown this once', 'dim')}`,
        `${url}/#key=${adminKey.text}`,
        `kept in ${adminKey.path}, where this command line finds it`,
      ];
    case 'kept':
      return [`in ${adminKey.path}`];
    case 'elsewhere':
      return [tint(adminKey.detail, 'yellow')];
  }
}

// Every setting of the process, each in one place with its name, form, default and meaning. The loader, the
// errors, `config show` and .env.example are all read from this table, so they cannot disagree.
import { z } from 'zod';
import { defaultDataDir, httpUrl, intervalMs, POSTGRES_URL, postgresUrl, setting, text } from './setting.ts';
import type { LogLevel } from './setting.ts';

export const SETTINGS = {
  port: setting<number>({
    env: 'PORT',
    flag: 'port',
    secret: null,
    shape: z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number)
      .refine((port) => port <= 65_535),
    allowed: 'a TCP port from 0 (any free one) to 65535',
    fallback: 4007,
    about: 'Port of the API and the pages.',
    example: '4007',
  }),
  host: setting<string>({
    env: 'HOST',
    flag: 'host',
    secret: null,
    shape: text.regex(/^[0-9A-Za-z.:_-]+$/),
    allowed: 'an address or a host name, such as 127.0.0.1 or 0.0.0.0',
    fallback: '127.0.0.1',
    about: 'Address to listen on. Loopback unless other machines shall reach the server.',
    example: '127.0.0.1',
  }),
  publicUrl: setting<string | null>({
    env: 'MANDATE_PUBLIC_URL',
    flag: 'public-url',
    secret: null,
    shape: httpUrl.transform((url) => url.replace(/\/+$/, '')),
    allowed: 'an http or https URL',
    fallback: null,
    about: 'How people reach the server, for links in notifications. By default its own address.',
    example: 'https://mandate.example.org',
  }),
  dataDir: setting<string>({
    env: 'MANDATE_DATA_DIR',
    flag: 'data-dir',
    secret: null,
    shape: text.min(1),
    allowed: 'a directory',
    fallback: defaultDataDir,
    about:
      "Database, keys and the sentinel file. By default $XDG_STATE_HOME/mandate or ~/.local/state/mandate, as root /var/lib/mandate. Never an agent's working directory.",
    example: '/var/lib/mandate',
  }),
  charter: setting<string | null>({
    env: 'MANDATE_CHARTER',
    flag: 'charter',
    secret: null,
    shape: text.min(1),
    allowed: 'the path of a charter file',
    fallback: null,
    about:
      'The charter to load at the start. Without it the one that is active stays, at first the default charter.',
    example: './charter.yaml',
  }),
  tenant: setting<string>({
    env: 'MANDATE_TENANT',
    flag: 'tenant',
    secret: null,
    shape: text.regex(/^[a-z0-9][a-z0-9._-]{0,62}$/),
    allowed: 'a name of up to 63 of a-z, 0-9, dot, dash and underscore',
    fallback: 'default',
    about: 'The tenant that the first start makes, and that the admin key belongs to.',
    example: 'default',
  }),
  databaseUrl: setting<string | null>({
    env: 'DATABASE_URL',
    flag: null,
    secret: 'password',
    shape: postgresUrl,
    allowed: POSTGRES_URL,
    fallback: null,
    about:
      'A Postgres (15 or later) of your own, with a login that may create roles. Without it Mandate runs the embedded one.',
    example: 'postgres://mandate:password@localhost:5432/mandate',
  }),
  appUrl: setting<string | null>({
    env: 'MANDATE_APP_URL',
    flag: null,
    secret: 'password',
    shape: postgresUrl,
    allowed: POSTGRES_URL,
    fallback: null,
    about: 'Login of the app role, where DATABASE_URL may not create roles. Needs the next two as well.',
    example: 'postgres://mandate_app_login:password@localhost:5432/mandate',
  }),
  sequencerUrl: setting<string | null>({
    env: 'MANDATE_SEQUENCER_URL',
    flag: null,
    secret: 'password',
    shape: postgresUrl,
    allowed: POSTGRES_URL,
    fallback: null,
    about: 'Login of the sequencer role.',
    example: 'postgres://mandate_sequencer_login:password@localhost:5432/mandate',
  }),
  controlUrl: setting<string | null>({
    env: 'MANDATE_CONTROL_URL',
    flag: null,
    secret: 'password',
    shape: postgresUrl,
    allowed: POSTGRES_URL,
    fallback: null,
    about: 'Login of the control role, which must be able to end the sessions of the app role.',
    example: 'postgres://mandate_control_login:password@localhost:5432/mandate',
  }),
  masterKey: setting<string | null>({
    env: 'MANDATE_MASTER_KEY',
    flag: null,
    secret: 'whole',
    shape: text.regex(/^[A-Za-z0-9+/_=,\s-]+$/),
    allowed:
      'base64 of 32 random bytes (openssl rand -base64 32), newest first and separated by commas while rotating',
    fallback: null,
    about:
      'The key that everything sealed hangs on. By default a key file in the data directory, made at the first start.',
    example: 'base64 of 32 random bytes: openssl rand -base64 32',
  }),
  jwks: setting<string | null>({
    env: 'MANDATE_JWKS',
    flag: null,
    secret: null,
    shape: z
      .string()
      .max(65_536)
      .regex(/^\s*(\{|https?:\/\/)/),
    allowed: 'the https URL of a JWK set, or the set itself as JSON',
    fallback: null,
    about: 'Public keys of an identity provider whose tokens are accepted. Needs issuer and audience.',
    example: 'https://id.example.org/.well-known/jwks.json',
  }),
  jwtIssuer: setting<string | null>({
    env: 'MANDATE_JWT_ISSUER',
    flag: null,
    secret: null,
    shape: text.min(1),
    allowed: 'the exact `iss` of the tokens',
    fallback: null,
    about: 'Who must have issued a token.',
    example: 'https://id.example.org',
  }),
  jwtAudience: setting<string | null>({
    env: 'MANDATE_JWT_AUDIENCE',
    flag: null,
    secret: null,
    shape: text.min(1),
    allowed: 'the exact `aud` of the tokens',
    fallback: null,
    about: 'For whom a token must have been issued.',
    example: 'mandate',
  }),
  jwtTyp: setting<string>({
    env: 'MANDATE_JWT_TYP',
    flag: null,
    secret: null,
    shape: text.min(1),
    allowed: 'the `typ` header of the tokens, such as at+jwt',
    fallback: 'at+jwt',
    about: 'The type that a token must say it is.',
    example: 'at+jwt',
  }),
  jwtTenant: setting<string | null>({
    env: 'MANDATE_JWT_TENANT',
    flag: null,
    secret: null,
    shape: text.min(1),
    allowed: 'the name of a tenant',
    fallback: null,
    about: 'The tenant of every token. Without it a token says so in its claim `tenant`.',
    example: 'default',
  }),
  logLevel: setting<LogLevel>({
    env: 'LOG_LEVEL',
    flag: 'log-level',
    secret: null,
    shape: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    allowed: 'one of trace, debug, info, warn, error, silent',
    fallback: 'info',
    about: 'error wakes someone, warn is looked at today, info tells the story, debug is for developers.',
    example: 'info',
  }),
  metricsPrefix: setting<string>({
    env: 'METRICS_PREFIX',
    flag: null,
    secret: null,
    shape: text.regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/),
    allowed: 'up to 64 letters, digits and underscores, not beginning with a digit',
    fallback: 'mandate',
    about:
      'What the names of all metrics at /metrics begin with. Set for the server; no charter key sets it.',
    example: 'mandate',
  }),
  commandDb: setting<string | null>({
    env: 'COMMAND_DB_PATH',
    flag: null,
    secret: null,
    shape: text.min(1),
    allowed: 'the path of an SQLite file with a table command_proposals',
    fallback: null,
    about:
      'A database of commands that another program keeps, counted in the governance metrics of the tenant of this server beside the acts. Only read. No command may be in both, unless its row names the act. Set it for every server of the tenant.',
    example: '/var/lib/roaster/commands.db',
  }),
  breakerCheckMs: setting<number>({
    env: 'CIRCUIT_BREAKER_CHECK_INTERVAL',
    flag: null,
    secret: null,
    shape: z
      .string()
      .regex(/^\d{1,9}(ms|s|m|h)?$/)
      .transform(intervalMs)
      .refine((ms) => ms >= 1_000 && ms <= 3_600_000),
    allowed: 'an interval from 1s to 1h: milliseconds (60000), or a number with ms, s, m or h (60s)',
    fallback: 60_000,
    about:
      'How often breakers and objectives are checked by the clock. They are checked at once besides when an act fails or an incident is opened.',
    example: '60000',
  }),
  smtpUrl: setting<string | null>({
    env: 'MANDATE_SMTP_URL',
    flag: null,
    secret: 'password',
    shape: text.regex(/^smtps?:\/\/\S+$/),
    allowed:
      'an SMTP URL such as smtp://user:password@mail.example.org:587, or smtps:// for TLS from the start',
    fallback: null,
    about: 'The mail server that notifications go out by, where a channel names no other.',
    example: 'smtp://mandate:password@mail.example.org:587',
  }),
  mailFrom: setting<string | null>({
    env: 'MANDATE_MAIL_FROM',
    flag: null,
    secret: null,
    shape: text.regex(/^[^\s@<>,;"]+@[^\s@<>,;"]+$/),
    allowed: 'an e-mail address',
    fallback: null,
    about:
      'The address that notifications come from. By default the user of the SMTP URL, where that is one.',
    example: 'mandate@example.org',
  }),
  otlpEndpoint: setting<string | null>({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    flag: null,
    secret: 'password',
    shape: httpUrl,
    allowed: 'an http or https URL',
    fallback: null,
    about: 'OpenTelemetry collector that traces are sent to (OTLP over HTTP, JSON).',
    example: 'http://localhost:4318',
  }),
  serviceName: setting<string>({
    env: 'OTEL_SERVICE_NAME',
    flag: null,
    secret: null,
    shape: text.min(1),
    allowed: 'a name',
    fallback: 'mandate',
    about: 'The name of this server in traces.',
    example: 'mandate',
  }),
  url: setting<string | null>({
    env: 'MANDATE_URL',
    flag: null,
    secret: null,
    shape: httpUrl,
    allowed: 'an http or https URL',
    fallback: null,
    about: 'For the command line and the SDK: where the server is. By default http://127.0.0.1:4007.',
    example: 'http://127.0.0.1:4007',
  }),
  apiKey: setting<string | null>({
    env: 'MANDATE_API_KEY',
    flag: null,
    secret: 'whole',
    shape: text.min(1),
    allowed: 'an API key',
    fallback: null,
    about:
      'For the command line and the SDK: the key to present. By default admin.key in the data directory.',
    example: 'mdt_…',
  }),
  agent: setting<string | null>({
    env: 'MANDATE_AGENT',
    flag: null,
    secret: null,
    shape: text.min(1),
    allowed: 'the name of an agent',
    fallback: null,
    about: 'For mandate mcp wrap: in whose name the calls are made.',
    example: 'builder-1',
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** The text of .env.example. */
export function renderEnvExample(): string {
  const blocks = Object.values(SETTINGS).map(
    ({ env, about, allowed, example }) => `# ${about}\n# Allowed: ${allowed}.\n# ${env}=${example}\n`,
  );
  return `# Every setting of Mandate, none of them needed for a first start. Written from\n# server/src/platform/config/settings.ts; a test keeps the two equal.\n\n${blocks.join('\n')}`;
}

// What a setting is, and the forms that several settings share.
import { z } from 'zod';

export interface Setting<T> {
  /** The environment variable. */
  readonly env: string;
  /** The flag of `mandate start`, without the dashes; null where there is none. */
  readonly flag: string | null;
  /** `whole` is never shown; `password` is shown without the password within it. */
  readonly secret: 'whole' | 'password' | null;
  readonly shape: z.ZodType<T, string>;
  /** What is allowed, for people: it ends the sentence "… is not". */
  readonly allowed: string;
  readonly fallback: T | ((machine: Machine) => T);
  readonly about: string;
  /** Shown in .env.example; the default where that is a plain value. */
  readonly example: string;
}

/** What defaults depend on. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** null where the system has no uids. */
  readonly uid: number | null;
  readonly cwd: string;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Gives a setting of the table its type. */
export function setting<T>(of: Setting<T>): Setting<T> {
  return of;
}

export const text = z.string().max(4096);
export const postgresUrl = text.regex(/^postgres(ql)?:\/\//);
export const httpUrl = text.refine(
  (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
);

export const POSTGRES_URL = 'a Postgres URL such as postgres://user:password@host:5432/mandate';

const INTERVAL_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `60000`, `60s` or `1m`. */
export function intervalMs(text: string): number {
  const unit = text.replace(/^\d+/, '');
  return Number.parseInt(text, 10) * (INTERVAL_UNITS[unit === '' ? 'ms' : unit] ?? Number.NaN);
}

/** As root not in root's home: the unprivileged account that Postgres runs under cannot look into a 0700 directory. */
export function defaultDataDir({ env, home, uid }: Machine): string {
  if (uid === 0) return '/var/lib/mandate';
  const state = env['XDG_STATE_HOME'];
  // The XDG Base Directory specification has relative paths ignored.
  const root = state !== undefined && state.startsWith('/') ? state : `${home}/.local/state`;
  return `${root}/mandate`;
}

// Settings are read once, at the door, and refused whole when any of them is wrong: a misspelt variable that is
// silently ignored is how a server comes up without the protection that somebody believes it has.
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Machine, Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';
import type { SettingName } from './settings.ts';

type Values = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never;
};

export type Origin = 'default' | 'env' | 'flag';

export interface Config extends Values {
  readonly origins: Readonly<Record<SettingName, Origin>>;
}

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags such as `--port 4008`, without the command. They win over the environment. */
  readonly argv?: readonly string[];
  readonly home?: string;
  readonly uid?: number | null;
  readonly cwd?: string;
}

/** Every problem at once, each with the variable, what was found (secrets aside) and what is allowed. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

interface Found {
  readonly origin: Origin;
  /** How the user knows it: `PORT` or `--port`. */
  readonly where: string;
  readonly text: string;
}

const NAMES = Object.keys(SETTINGS).filter((name): name is SettingName => name in SETTINGS);

/** Reads and checks everything. Throws ConfigInvalid; an empty variable counts as not set. */
export function loadConfig(sources: ConfigSources): Config {
  const { env, argv = [], home = homedir(), uid = process.getuid?.() ?? null, cwd = process.cwd() } = sources;
  const machine: Machine = { env, home, uid, cwd };
  const problems = [...findUnknown(env)];
  const flags = readFlags(argv, problems);
  const values: Partial<Record<SettingName, unknown>> = {};
  const origins: Partial<Record<SettingName, Origin>> = {};
  for (const name of NAMES) {
    const setting: Setting<unknown> = SETTINGS[name];
    const found = find(setting, { ...sources, flags });
    origins[name] = found?.origin ?? 'default';
    if (found === null) {
      values[name] = typeof setting.fallback === 'function' ? setting.fallback(machine) : setting.fallback;
      continue;
    }
    const parsed = setting.shape.safeParse(found.text);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(`${found.where} is ${show(setting, found.text)}, which is not ${setting.allowed}.`);
  }
  problems.push(...findIncomplete(origins));
  if (problems.length > 0 || !isWhole(values) || !hasEvery(origins)) throw new ConfigInvalid(problems);
  const charter = values.charter === null ? null : resolve(cwd, values.charter);
  return {
    ...values,
    charter,
    dataDir: resolve(cwd, values.dataDir),
    origins,
  };
}

/** Without problems every name of the table was parsed by its own shape, so a whole record has the right types. */
function isWhole(values: Partial<Record<SettingName, unknown>>): values is Values {
  return NAMES.every((name) => name in values);
}

function hasEvery(origins: Partial<Record<SettingName, Origin>>): origins is Record<SettingName, Origin> {
  return NAMES.every((name) => name in origins);
}

export interface ConfigLine {
  readonly env: string;
  /** As it is in force, secrets masked; null where it is not set. */
  readonly value: string | null;
  readonly origin: Origin;
}

/** For `config show --origin`. */
export function describeConfig(config: Config): readonly ConfigLine[] {
  return NAMES.map((name) => {
    const setting: Setting<unknown> = SETTINGS[name];
    const value = config[name];
    return {
      env: setting.env,
      value: value === null ? null : mask(setting, String(value)),
      origin: config.origins[name],
    };
  });
}

function find(
  setting: Setting<unknown>,
  { env, flags }: ConfigSources & { readonly flags: Readonly<Record<string, string>> },
): Found | null {
  const flag = setting.flag === null ? undefined : flags[setting.flag];
  if (flag !== undefined) return { origin: 'flag', where: `--${setting.flag}`, text: flag };
  const variable = env[setting.env];
  if (variable !== undefined && variable !== '') return { origin: 'env', where: setting.env, text: variable };
  return null;
}

function readFlags(argv: readonly string[], problems: string[]): Readonly<Record<string, string>> {
  const names = NAMES.flatMap((name) => SETTINGS[name].flag ?? []);
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const flags: Record<string, string> = {};
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional')
      problems.push(
        `${JSON.stringify(token.value)} is not a flag. Flags are ${names.map((name) => `--${name}`).join(', ')}.`,
      );
    if (token.kind !== 'option') continue;
    if (!names.includes(token.name))
      problems.push(`${token.rawName} is not known. Did you mean --${nearest(token.name, names)}?`);
    else if (token.value === undefined || token.value === '')
      problems.push(`${token.rawName} needs a value.`);
    else flags[token.name] = token.value;
  }
  return flags;
}

function findUnknown(env: ConfigSources['env']): readonly string[] {
  const known = NAMES.map((name) => SETTINGS[name].env);
  return (
    Object.keys(env)
      // MANDATE_TEST_* belongs to the project's own test runs and may be inherited by a server they start.
      .filter(
        (name) => name.startsWith('MANDATE_') && !name.startsWith('MANDATE_TEST_') && !known.includes(name),
      )
      .map(
        (name) =>
          `${name} is not known. Did you mean ${nearest(name, known)}? Unset it if not: nothing reads it.`,
      )
  );
}

/** Settings that mean something only together. */
function findIncomplete(origins: Partial<Record<SettingName, Origin>>): readonly string[] {
  const isSet = (name: SettingName): boolean => origins[name] !== 'default';
  const problems: string[] = [];
  const logins = ['appUrl', 'sequencerUrl', 'controlUrl'] as const;
  const missing = logins.filter((name) => !isSet(name));
  if (missing.length === 1 || missing.length === 2) {
    problems.push(
      `${missing.map((name) => SETTINGS[name].env).join(' and ')} must be set as well: the three logins come together or not at all.`,
    );
  }
  const forTokens = ['jwtIssuer', 'jwtAudience'] as const;
  if (isSet('jwks')) {
    for (const name of forTokens) {
      if (!isSet(name))
        problems.push(
          `${SETTINGS[name].env} must be set as well: without it a token made for somebody else would be taken.`,
        );
    }
  } else {
    for (const name of [...forTokens, 'jwtTyp', 'jwtTenant'] as const) {
      if (isSet(name))
        problems.push(`${SETTINGS[name].env} has no effect without MANDATE_JWKS. Set that, or unset this.`);
    }
  }
  return problems;
}

function show(setting: Setting<unknown>, text: string): string {
  if (setting.secret !== null) return `set (${text.length} characters, not shown)`;
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short);
}

function mask(setting: Setting<unknown>, text: string): string {
  if (setting.secret === 'whole') return '(set)';
  return setting.secret === 'password' ? text.replace(/^([a-z]+:\/\/[^:@/?]*):[^@/]*@/i, '$1:***@') : text;
}

function nearest(name: string, known: readonly string[]): string {
  return known.toSorted((a, b) => distance(name, a) - distance(name, b))[0] ?? '';
}

/** Levenshtein distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split('').entries()) {
      next.push(
        Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      );
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

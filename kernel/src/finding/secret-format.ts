// How a token format is written down, so that the tables of formats are data that a person can check line by line
// against the provider's page.
import type { Checksum } from './checksum.ts';

/** The alphabets of tokens, by the letter that stands for them in a body. */
export const ALPHABETS = {
  /** letters and digits */ a: '0-9A-Za-z',
  /** base64url */ b: '0-9A-Za-z_-',
  /** decimal digits */ d: '0-9',
  /** hexadecimal, lower case */ h: '0-9a-f',
  /** hexadecimal, either case */ H: '0-9A-Fa-f',
  /** lower case and digits */ l: '0-9a-z',
  /** standard base64 without padding */ s: '0-9A-Za-z+/',
  /** what some providers put into tokens besides base64url */ t: '0-9A-Za-z_.=~+/%-',
  /** upper case and digits */ u: '0-9A-Z',
  /** word characters */ w: '0-9A-Za-z_',
  /** the base64 of crypt(3) */ c: './0-9A-Za-z',
  /** bech32 data, upper case */ q: '02-9AC-HJ-NP-Z',
  /** bech32 data, lower case */ r: '02-9ac-hj-np-z',
  /** what stands in a quoted value */ v: '!#-&(-:<-~',
} as const;

export type Alphabet = keyof typeof ALPHABETS;

export const ALPHABET_KEYS: readonly Alphabet[] = [
  'a',
  'b',
  'd',
  'h',
  'H',
  'l',
  's',
  't',
  'u',
  'w',
  'c',
  'q',
  'r',
  'v',
];

/** A run of an alphabet, `min` to `max` characters long, or literal text. */
export type Part =
  | { readonly kind: 'run'; readonly of: Alphabet; readonly min: number; readonly max: number }
  | { readonly kind: 'literal'; readonly text: string };

export interface SecretFormat {
  /** Stands in redacted text: `[redacted:github_pat]`. */
  readonly kind: string;
  readonly provider: string;
  /** What people call it: `personal access token (classic)`. */
  readonly name: string;
  readonly prefixes: readonly string[];
  /**
   * What follows the prefix: alphabet letter and length (`a36`, `b20-90`), `U` for a UUID, anything else in single
   * quotes is literal: `d10-13 '-' a24`.
   */
  readonly body: string;
  /** Public page or file that the format was taken from. */
  readonly source: string;
  /** What stands before the prefix and belongs to the token, as one run: `a14`. */
  readonly lead?: string;
  readonly checksum?: Checksum;
  /** The prefix is a label and no part of the secret. */
  readonly label?: true;
  /** The prefix is weak: the rest must look random (letters and digits, enough entropy) and end where it should. */
  readonly strict?: true;
  /** No secret itself, or one that is of little use by itself: warns only. */
  readonly guess?: true;
}

/** A format of a value that only its name gives away: a bare UUID is a secret when it is called `heroku_api_key`. */
export interface NamedSecretFormat {
  readonly kind: string;
  readonly provider: string;
  readonly name: string;
  /** Words that must all stand in the name of the value; `|` parts alternatives. */
  readonly words: string;
  readonly body: string;
  readonly source: string;
  /** The words are common ones: the name must also say that it is a key, a token or a secret. */
  readonly weak?: true;
}

/** Reads a body. Throws on a typing error in a table, which a test would show at once. */
export function parseBody(body: string): readonly Part[] {
  return [...body.matchAll(/'([^']+)'|(\S+)/g)].flatMap(([, literal, run]): readonly Part[] => {
    if (literal !== undefined) return [{ kind: 'literal', text: literal }];
    if (run === 'U') return uuid();
    const [, letter, min, max] = /^([a-zA-Z])(\d+)(?:-(\d+))?$/.exec(run ?? '') ?? [];
    const of = ALPHABET_KEYS.find((key) => key === letter);
    if (of === undefined)
      throw new Error(`token format: cannot read "${run}" in "${body}"; write a letter and a length`);
    return [{ kind: 'run', of, min: Number(min), max: Number(max ?? min) }];
  });
}

function uuid(): readonly Part[] {
  const dash: Part = { kind: 'literal', text: '-' };
  const hex = (length: number): Part => ({ kind: 'run', of: 'H', min: length, max: length });
  return [hex(8), dash, hex(4), dash, hex(4), dash, hex(4), dash, hex(12)];
}

/** One line of a table: kind, provider, name, prefix or prefixes, body, source, and what is special about it. */
export type FormatRow = readonly [
  kind: string,
  provider: string,
  name: string,
  prefixes: string | readonly string[],
  body: string,
  source: string,
  special?: Pick<SecretFormat, 'lead' | 'checksum' | 'label' | 'strict' | 'guess'>,
];

/** Turns the lines of a table into formats. */
export function formatsOf(rows: readonly FormatRow[]): readonly SecretFormat[] {
  return rows.map(([kind, provider, name, prefixes, body, source, special]) => ({
    kind,
    provider,
    name,
    prefixes: typeof prefixes === 'string' ? [prefixes] : prefixes,
    body,
    source,
    ...special,
  }));
}

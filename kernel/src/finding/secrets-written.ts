// Secrets that are told by what is written around them and not by a prefix: PEM blocks, passwords in URLs, in .netrc
// files and in commands.
import { isPlaceholder, isStandIn } from './secret-names.ts';
import { isIn } from './token-match.ts';
import type { Runs, Span } from './token-match.ts';

export interface Hit {
  readonly at: number;
  readonly after: number;
}

export interface Matched extends Span {
  readonly kind: string;
  readonly generic?: boolean;
}

const LOOK = 400;

/** RFC 7468: from BEGIN to END. Without an END the rest of the text is the key; with nothing behind it there is none. */
export function matchPem(text: string, { at, after }: Hit, runs: Runs): Matched | null {
  const header = text.slice(after, after + 140);
  const label = /^ ?[A-Z0-9 _-]{0,60}?PRIVATE KEY(?: BLOCK)?-----/.exec(header);
  if (label === null || !hasBody(header.slice(label[0].length))) return null;
  const foot = text.indexOf('-----END', after);
  runs.spend((foot < 0 ? text.length : foot) - after);
  if (foot < 0) return toEnd(text, at);
  const close = text.slice(foot + 8, foot + 96).indexOf('-----');
  return { start: at, end: close < 0 ? foot + 8 : foot + 13 + close, kind: 'private_key' };
}

// Code that looks for such a line names it too, and has a quote and a bracket behind it.
function hasBody(behind: string): boolean {
  return (
    /^(?:\s|\\r|\\n|\\\\n)+[A-Za-z0-9+/]/.test(behind) || /^[\s\\rn"'`+,]*[A-Za-z0-9+/=]{32}/.test(behind)
  );
}

/** From a mark to the end of the text. */
export function toEnd(text: string, at: number): Matched {
  return { start: at, end: text.length, kind: 'private_key' };
}

/** RFC 3986, section 3.2.1: scheme://user:password@host. Only the password is the secret. */
export function matchUrlPassword(text: string, { at, after }: Hit, runs: Runs): Matched | null {
  if (at === 0 || !isIn('a', text.charCodeAt(at - 1))) return null;
  const end = userInfoEnd(text, after, runs);
  if (end === null) return null;
  const colon = text.slice(after, end).indexOf(':');
  if (colon < 0) return null;
  const start = after + colon + 1;
  const password = text.slice(start, end);
  const user = text.slice(after, start - 1);
  // GitHub takes the token as the user name with this word as the password.
  if (password === 'x-oauth-basic' || password === 'x-token-auth')
    return isPlaceholder(user) ? null : { start: after, end: start - 1, kind: 'url_password' };
  if (
    password === '' ||
    isPlaceholder(password) ||
    isExampleUrl(user, password, text.slice(end + 1, end + 64))
  )
    return null;
  return { start, end, kind: 'url_password' };
}

// The last @ before the host: a password may hold one, unencoded, and clients accept it.
function userInfoEnd(text: string, from: number, runs: Runs): number | null {
  const authority = text.slice(from, Math.min(runs.end('v', from), from + 512)).split('/', 1)[0] ?? '';
  const sign = authority.lastIndexOf('@');
  return sign < 0 ? null : from + sign;
}

const EXAMPLES: ReadonlySet<string> = new Set(
  'password passwd pass pwd secret yourpassword your_password your-password mypassword changeme change_me example xxx xxxx token'.split(
    ' ',
  ),
);

// `user:password@host` of manuals, and the `postgres:postgres@localhost` of every test database.
function isExampleUrl(user: string, password: string, host: string): boolean {
  const plain = password.toLowerCase();
  if (EXAMPLES.has(plain)) return true;
  const isLocal = /^(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0|host\.docker\.internal)\b/.test(host);
  return (
    isLocal && (plain === user.toLowerCase() || plain === 'test' || plain === 'root' || plain === 'postgres')
  );
}

/** `machine HOST login USER password SECRET` of .netrc files, on one line or several. */
export function findNetrcPassword(text: string, { at, after }: Hit, runs: Runs): Matched | null {
  if (at > 0 && isIn('w', text.charCodeAt(at - 1))) return null;
  const behind = text.slice(after, after + LOOK);
  const entry = /^\S{1,128}\s{1,8}login\s{1,8}\S{1,128}\s{1,8}password\s{1,8}(\S{3,128})/.exec(behind);
  runs.spend(behind.length);
  return withinLine(after, entry, 'netrc_password');
}

/** `curl -u user:password`, `--user user:password`. */
export function findCommandPassword(text: string, { at, after }: Hit, runs: Runs): Matched | null {
  if (at > 0 && isIn('w', text.charCodeAt(at - 1))) return null;
  const cut = text.slice(after - 1, after + LOOK);
  const line = cut.replace(/\\\n/g, '  ').split('\n', 1)[0] ?? '';
  const option = /\s(?:-u|--user|--proxy-user)(?:=|\s{0,4})["']?[\w.@+-]{1,64}:([^\s"']{3,128})/.exec(line);
  runs.spend(cut.length);
  return withinLine(after - 1, option, 'command_password');
}

function withinLine(from: number, match: RegExpExecArray | null, kind: string): Matched | null {
  const password = match?.[1];
  if (match === null || password === undefined || isPlaceholder(password) || isStandIn(password)) return null;
  if (EXAMPLES.has(password.toLowerCase())) return null;
  const end = from + match.index + match[0].length;
  return { start: end - password.length, end, kind };
}

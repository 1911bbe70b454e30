// Which names say that their value is a secret. Used twice: the generic rule warns of such assignments, and
// redaction hides such values whatever they look like.
import { wordsOf } from './leaves.ts';

const WORDS: ReadonlySet<string> = new Set(
  (
    'password passwords passwd pwd passphrase passcode secret secrets token tokens apikey apikeys authorization ' +
    'credential credentials cookie cookies bearer jwt otp totp cvv cvc privatekey secretkey accesskey authtoken ' +
    'accesstoken refreshtoken clientsecret sessionid psk apisecret appsecret appkey authkey servicekey dbkey dbpass dbpassword ' +
    'privkey keypass creds pat passwort'
  ).split(' '),
);
const KEYS: ReadonlySet<string> = new Set(
  (
    'api access private secret encryption signing auth master account service session ssh shared deploy security license ' +
    'storage hmac app admin application client db database priv webhook integration consumer subscription logged nonce secure'
  ).split(' '),
);
const PAIRS: ReadonlySet<string> = new Set([
  'connection string',
  'pass phrase',
  'session id',
  'recovery code',
  'mfa code',
  'pass word',
]);
// WordPress calls eight of its secrets so.
const SALTS: ReadonlySet<string> = new Set(['auth', 'in', 'nonce', 'secure', 'password', 'secret']);
// What stands before `pass`, which alone is as often what a test or a ticket does.
const PASSES: ReadonlySet<string> = new Set(
  'db database user admin root smtp mail ftp ssh redis mysql postgres pg mongo mlab key store auth login http proxy api'.split(
    ' ',
  ),
);
// What may follow without changing what the value is.
const SUFFIXES: ReadonlySet<string> = new Set(
  'value values hash old new current confirm confirmation text plain plaintext raw base64 b64 encoded base'.split(
    ' ',
  ),
);
// Tokens that are positions in a list, or the counts and kinds of tokens.
const HARMLESS: ReadonlySet<string> = new Set(
  'page next continuation sync max min total prompt completion input output num used'.split(' '),
);
const NUMERIC: ReadonlySet<string> = new Set(
  'password passwd pwd passcode otp totp cvv cvc pin mfa_code recovery_code'.split(' '),
);

/** Every name that `secretName` calls secret holds one of these, in lower case: for a caller that wants to rule names out quickly. */
export const SECRET_STEMS: readonly string[] = [
  ...WORDS,
  'key',
  'pin',
  'pass',
  'salt',
  ...[...PAIRS].flatMap((pair) => pair.split(' ', 1)),
];

/**
 * The word for which a name counts as secret (`password`, `api_key`, …), or null.
 * `token_type`, `max_tokens`, `secret_name` and `password_file` are not secret: their last word says something else.
 * `parts` are its words, for a caller that has them already.
 */
export function secretName(name: string, parts: readonly string[] = wordsOf(name)): string | null {
  // A name that was redacted has been judged already, by what it was.
  if (name.includes('[redacted:')) return null;
  const words = [...parts];
  while (words.length > 1 && (SUFFIXES.has(words.at(-1) ?? '') || /^\d+$/.test(words.at(-1) ?? '')))
    words.pop();
  const last = (words.at(-1) ?? '').replace(/\d{1,3}$/, '');
  const before = words.at(-2) ?? '';
  // `dbpassword`, `rootpasswd`: written together with whose it is.
  const joined = /^[a-z]+(password|passwd|passphrase|apikey|secretkey)$/.exec(last)?.[1];
  if (joined !== undefined) return joined;
  if (WORDS.has(last)) return HARMLESS.has(before) && last.startsWith('token') ? null : last;
  if (last === 'key' || last === 'keys') return KEYS.has(before) ? `${before}_key` : null;
  if (PAIRS.has(`${before} ${last}`)) return `${before}_${last}`;
  if (last === 'salt') return SALTS.has(before) ? `${before}_salt` : null;
  if (last === 'pass') return PASSES.has(before) ? `${before}_pass` : null;
  return words.length === 1 && last === 'pin' ? 'pin' : null;
}

/** Whether a number under such a name is the secret itself, and not a count of tokens. */
export function isNumericSecret(word: string): boolean {
  return NUMERIC.has(word);
}

/** Text that stands where a secret belongs and is none: a template, a mask, a reference to a store, an example of a manual. */
export function isPlaceholder(value: string): boolean {
  if (/^(?:\$|%[A-Za-z{(]|\{\{[^{}]*\}\}|<|\[redacted|\*{3}|#\{)/.test(value)) return true;
  if (/^(?:vault|env|secret|op|sops|ref|arn|projects|keychain|file):?(?:\/\/|:)/i.test(value)) return true;
  // AWS marks the keys of its manuals so; both are of a fixed length, so that nothing can be hidden by appending this.
  if (/EXAMPLE(?:KEY)?$/.test(value) && value.length <= 40) return true;
  if (isWordsOnly(value)) return true;
  return /^[xX0*.\-_•?]+$/.test(value) && new Set(value.replace(/[-_.]/g, '').toLowerCase()).size <= 1;
}

// `your-api-key-here`, `YOUR_API_KEY`: words with signs between them, each of them in one case and without a digit.
function isWordsOnly(value: string): boolean {
  return /^[A-Z]?[a-z]{1,16}(?:[-_.][A-Z]?[a-z]{1,16})+$|^[A-Z]{1,16}(?:[-_.][A-Z]{1,16})+$/.test(value);
}

/** A value that says of itself that it is none: `changeme123`, `dummy-token-1`, an address. Counts for guesses only. */
export function isStandIn(value: string): boolean {
  if (/^[a-z][a-z\d+.-]{1,12}:\/\//i.test(value)) return true;
  return /change.?(?:me|it|this)|example|placeholder|dummy|fake|sample|redacted|your[-_]?|insert[-_]|replace[-_]?|todo|xxxx|\$\{[\w.()]+\}|\*\*\*|\.{3}|…|1234567890|abcdefgh/i.test(
    value,
  );
}

/** Shannon entropy of the characters, in bits for each. At most the first 512 count. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  const sample = text.slice(0, 512);
  for (const char of sample) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / sample.length) * Math.log2(count / sample.length);
  return bits;
}

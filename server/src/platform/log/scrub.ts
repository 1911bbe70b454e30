// What leaves the process as a log line or a span passes through here once, whole, on its way out. Masking by
// path at the call site forgets the next field, and pino's own wildcards do not see nested ones (I9).
import { findPhoneNumbersInText } from 'libphonenumber-js/min';

export interface Scrubber {
  /** A JSON value without secrets, mail addresses and telephone numbers, by key name, known value and form. */
  value(value: unknown): unknown;
  text(text: string): string;
  /** From now on this exact value, and its base64, URL and JSON forms, is masked wherever it turns up. Shorter than 6 characters is ignored. */
  know(secret: string): void;
}

const MASK = '[redacted]';
/** Values shorter than this occur by chance in innocent text. */
const KNOWN_LENGTH_MIN = 6;
const TEXT_MAX = 8192;
const DEPTH_MAX = 20;

/** `redact` masks the token formats that the law's secret guardrail knows (the kernel's own function). */
export function createScrubber({ redact }: { readonly redact: (text: string) => string }): Scrubber {
  const known = new Set<string>();
  let knownPattern: RegExp | null = null;

  function text(raw: string): string {
    // Known values first and over everything: cutting first could leave half a secret that nothing recognises.
    const masked = maskKnown(raw);
    if (masked.length <= TEXT_MAX) return maskForms(masked);
    const scrubbed = maskForms(masked.slice(0, 2 * TEXT_MAX));
    const shown = scrubbed.slice(0, Math.min(TEXT_MAX, scrubbed.length - 256));
    return `${shown}… (${raw.length} characters in all)`;
  }

  function maskKnown(raw: string): string {
    if (known.size === 0) return raw;
    // The longest first: a secret that begins with another one is masked whole.
    knownPattern ??= new RegExp(
      [...known]
        .toSorted((a, b) => b.length - a.length)
        .map(escapePattern)
        .join('|'),
      'g',
    );
    return raw.replace(knownPattern, MASK);
  }

  function maskForms(raw: string): string {
    let result = raw;
    for (const [pattern, replacement] of SECRET_FORMS) result = result.replace(pattern, replacement);
    return maskPhones(maskMails(redact(result)));
  }

  function value(raw: unknown, depth = 0): unknown {
    if (typeof raw === 'string') return text(raw);
    if (typeof raw !== 'object' || raw === null) return raw;
    if (depth >= DEPTH_MAX) return '[too deep]';
    if (Array.isArray(raw)) return raw.map((item) => value(item, depth + 1));
    return Object.fromEntries(
      Object.entries(raw).map(([key, item]) => [keyText(key), field(key, item, depth)]),
    );
  }

  function field(key: string, item: unknown, depth: number): unknown {
    if (isSecretName(key) && !isHarmless(key, item)) return MASK;
    // Ids look like random secrets to whoever goes by form; here the key says what they are.
    if (typeof item === 'string' && ID_KEYS.has(key) && /^[0-9a-f-]{1,64}$/.test(item))
      return maskKnown(item);
    return value(item, depth + 1);
  }

  /** Maps are sometimes keyed by what they must not show. */
  function keyText(key: string): string {
    return /^[\w.-]{1,40}$/.test(key) ? maskKnown(key) : text(key);
  }

  return {
    text,
    value: (raw) => value(raw),
    know(secret) {
      if (secret.length < KNOWN_LENGTH_MIN) return;
      const bytes = Buffer.from(secret);
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
        known.add(form);
      for (const encoding of ['base64', 'base64url'] as const)
        known.add(bytes.toString(encoding).replace(/=+$/, ''));
      knownPattern = null;
    },
  };
}

/** Forms that are secrets wherever they stand. Each is linear: no nested or unbounded overlapping repeats. */
const SECRET_FORMS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g, MASK],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/?#]{0,100}):[^\s@/]{1,200}@/gi, `$1:${MASK}@`],
  // A digit or some length tells a credential from "basic authentication".
  [/\b(Bearer|Basic)( +)(?=[\w.~+/=-]{0,200}\d|[\w.~+/=-]{20})[\w.~+/=-]{8,}/gi, `$1$2${MASK}`],
  [/\bmdt_[0-9A-Za-z]{8,}(?:_[0-9A-Za-z]{1,6})?/g, MASK],
  [/\bwhsec_[A-Za-z0-9+/=]{8,}/g, MASK],
  [/\bpermit\.v1\.[\w-]{8,}(?:\.[\w-]*)?/g, MASK],
  [/\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*/g, MASK],
  [
    /\b((?:password|passwd|pwd|secret|api[_-]?key|access[_-]?token|client[_-]?secret)["']?\s{0,3}[=:]\s{0,3}["']?)[^\s"'&,;]{3,}/gi,
    `$1${MASK}`,
  ],
];

const SECRET_NAME =
  /(?:password|passwd|passphrase|pwd|secrets?|token|apikey|accesskey|privatekey|masterkey|signingkey|credentials?|authorization|cookies?|permit|signature|pepper|connectionstring)$|^(?:otp|pin|ssn|cvc|cvv)$/;

function isSecretName(key: string): boolean {
  return SECRET_NAME.test(key.toLowerCase().replace(/[^a-z0-9]/g, ''));
}

/** A count of tokens is no token, and "there is none" gives nothing away. */
function isHarmless(key: string, item: unknown): boolean {
  if (item === null || typeof item === 'boolean' || item === '') return true;
  return typeof item === 'number' && /token$/i.test(key);
}

const ID_KEYS: ReadonlySet<string> = new Set([
  'id',
  'actId',
  'traceId',
  'spanId',
  'digest',
  'approvalId',
  'grantId',
  'charterVersion',
]);

const MAIL = /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}[\p{L}]{2,24}/gu;

function maskMails(text: string): string {
  return text.includes('@') ? text.replace(MAIL, '[mail]') : text;
}

/** International numbers, and the written-out national form of North America; bare digits are ids far more often than numbers. */
const PHONE_LIKE = /\+[\s(]{0,2}\d|\d{3}\)?[-. ]{1,2}\d{3}[-. ]\d{4}/;

function maskPhones(text: string): string {
  if (!PHONE_LIKE.test(text)) return text;
  let result = text;
  // From the end, so that the positions found stay right.
  for (const { startsAt, endsAt } of findPhoneNumbersInText(text, 'US').toReversed()) {
    result = `${result.slice(0, startsAt)}[phone]${result.slice(endsAt)}`;
  }
  return result;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

// The form of parameters that may be shown and written down (I9). Hides what is found and what is named as a secret;
// what was not looked at, because it is too much or too deep, is hidden as well.
import type { Json } from '../action.ts';
import { judge } from './assignments.ts';
import { isList } from './leaves.ts';
import { isNumericSecret, secretName } from './secret-names.ts';
import { findSecrets } from './secrets.ts';

/** How many characters of one value are searched for secrets at most; the rest counts as secret. */
export const SCAN_LIMIT = 256 * 1024;
const MAX_DEPTH = 64;

interface Budget {
  left: number;
}

/**
 * The value with every secret replaced by `[redacted:<kind>]`: what `findSecrets` finds in strings and keys, and
 * everything under a secret-looking key (`password`, `token`, `api_key`, `authorization`, …). Beyond 256 KB of text
 * it is `[redacted:not_scanned]`, below 64 levels `[redacted:too_deep]`. Redacting twice changes nothing.
 */
export function redact(value: Json): Json {
  return redactNode(value, null, 0, { left: SCAN_LIMIT });
}

/** One text with its secrets replaced. */
export function redactText(text: string): string {
  let out = '';
  let at = 0;
  for (const { kind, start, end } of findSecrets(text)) {
    out += `${text.slice(at, start)}[redacted:${kind}]`;
    at = end;
  }
  return out + text.slice(at);
}

function redactNode(node: Json, name: string | null, depth: number, budget: Budget): Json {
  if (typeof node === 'string') return redactNamed(node, name, budget);
  if (typeof node !== 'object' || node === null) return node;
  if (depth >= MAX_DEPTH) return '[redacted:too_deep]';
  if (isList(node)) return node.map((child) => redactNode(child, name, depth + 1, budget));
  // fromEntries defines own properties: a key `__proto__` stays a key.
  return Object.fromEntries(redactEntries(node, depth, budget));
}

function redactEntries(
  node: { readonly [key: string]: Json },
  depth: number,
  budget: Budget,
): [string, Json][] {
  const taken = new Map<string, number>();
  return Object.entries(node).map(([key, child]) => {
    const word = secretName(key);
    const shown = unique(spend(key, budget), taken);
    return [shown, word === null ? redactNode(child, key, depth + 1, budget) : hide(child, word, depth + 1)];
  });
}

// Two keys that were different secrets must stay two keys.
function unique(key: string, taken: Map<string, number>): string {
  const times = (taken.get(key) ?? 0) + 1;
  taken.set(key, times);
  return times === 1 ? key : unique(`${key}#${times}`, taken);
}

function hide(node: Json, word: string, depth: number): Json {
  if (typeof node === 'string') return node === '' ? node : `[redacted:${word}]`;
  if (typeof node === 'number') return isNumericSecret(word) ? `[redacted:${word}]` : node;
  if (typeof node !== 'object' || node === null) return node;
  if (depth >= MAX_DEPTH) return '[redacted:too_deep]';
  if (isList(node)) return node.map((child) => hide(child, word, depth + 1));
  const taken = new Map<string, number>();
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => [
      unique(redactText(key), taken),
      hide(child, word, depth + 1),
    ]),
  );
}

function redactNamed(text: string, name: string | null, budget: Budget): string {
  const known = name === null || name.includes('[redacted:') ? null : judge(name, text);
  return known === null ? spend(text, budget) : `[redacted:${known.kind}]`;
}

function spend(text: string, budget: Budget): string {
  budget.left -= text.length;
  return budget.left < 0 ? '[redacted:not_scanned]' : redactText(text);
}

// JSON from strangers. JSON.parse takes 100,000 levels and keeps `__proto__` as a key, so both are refused before
// anything recursive or any object literal sees them; what has no canonical form cannot be decided or proven.

export type GuardedJson = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'refused'; readonly detail: string; readonly pointer: string };

export const MAX_DEPTH = 64;

export function parseGuardedJson(text: string): GuardedJson {
  const tooDeepAt = findTooDeep(text);
  if (tooDeepAt !== null) return { kind: 'refused', detail: `The JSON nests deeper than ${MAX_DEPTH} levels (at character ${tooDeepAt}).`, pointer: '' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: 'refused', detail: `The body is not JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}.`, pointer: '' };
  }
  const bad = findBadKey(value, '');
  return bad === null ? { kind: 'value', value } : { kind: 'refused', detail: 'The key __proto__ is not allowed.', pointer: bad };
}

/** Where the nesting passes the limit; brackets inside strings do not count. Linear and without recursion. */
function findTooDeep(text: string): number | null {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 92) i += 1;
      else if (c === 34) inString = false;
    } else if (c === 34) inString = true;
    else if (c === 123 || c === 91) {
      depth += 1;
      if (depth > MAX_DEPTH) return i;
    } else if (c === 125 || c === 93) depth -= 1;
  }
  return null;
}

function findBadKey(value: unknown, pointer: string): string | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, child] of Object.entries(value)) {
    const here = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (key === '__proto__') return here;
    const bad = findBadKey(child, here);
    if (bad !== null) return bad;
  }
  return null;
}

// What a server tells of a tool, as far as a model or a client acts upon it, in the one form that can be compared.
import { canonicalJson, canonicalProblem, isActionName, redactText } from '@mandate/kernel';
import type { Json, JsonObject } from '@mandate/kernel';

/** One tool of a list, ready to be compared. */
export interface ToldTool {
  readonly name: string;
  readonly hash: string;
  /** For people: free of secrets. */
  readonly told: JsonObject;
}

/** Icons and `_meta` are decoration that servers change with every start; everything else may steer a model. */
const DECORATION: ReadonlySet<string> = new Set(['_meta', 'icons']);

/**
 * The tools of a list. What two entries say under one name is taken together: a model reads both, whichever of them a
 * client would call. A name that makes no action name is left out: the gateway refuses its calls.
 */
export function toldTools(
  list: readonly unknown[],
  { upstream, sha256 }: { readonly upstream: string; readonly sha256: (text: string) => string },
): readonly ToldTool[] {
  const saidByName = new Map<string, JsonObject[]>();
  for (const each of list) {
    if (!isObject(each)) continue;
    const { name } = each;
    if (typeof name !== 'string' || !isActionName(`${upstream}.${name}`)) continue;
    const said = Object.fromEntries(Object.entries(each).filter(([key]) => !DECORATION.has(key)));
    saidByName.set(name, [...(saidByName.get(name) ?? []), said]);
  }
  return [...saidByName].map(([name, said]) => {
    const [first = {}, ...more] = said;
    const whole: JsonObject = more.length === 0 ? first : { name, entries: said };
    return { name, hash: sha256(textOf(whole)), told: shown(whole) };
  });
}

/** Text that has no canonical form (a lone surrogate) is still compared. */
function textOf(said: JsonObject): string {
  return canonicalProblem(said) === null ? canonicalJson(said) : JSON.stringify(said);
}

function shown(said: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, withoutSecrets(value)]));
}

function withoutSecrets(value: Json): Json {
  if (typeof value === 'string') return redactText(value.toWellFormed().replaceAll('\u0000', '\u{fffd}'));
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(withoutSecrets);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner)]));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// What an action touches, read where its tool reads it. An agent that names one resource and touches another walks past
// every restriction of the one that it touches; so where the charter says which parameter is the resource, nothing that
// is claimed beside it counts.
import type { ResourceSetting } from './action-setting.ts';
import type { Action, JsonObject, Resource } from './action.ts';
import type { Charter } from './charter.ts';
import { lookUp } from './finding/paths.ts';
import { plainText } from './finding/plain-text.ts';
import { redactText } from './finding/redact.ts';
import type { KnownNames } from './known-names.ts';
import type { Law } from './law.ts';
import { suggest } from './nearest.ts';

/**
 * Whose word an action's resource is. `claimed`: that of whoever asks, which has to agree with the parameters.
 * `recorded`: Mandate's own, of the act that this one undoes or replaces, which gives way to them.
 */
export type ResourceWord = 'claimed' | 'recorded';

/** Longer names are let in at no door, and no restriction has one. */
const NAME_MAX = 256;
// What shows to an approver, or is stored, as something else than it is: no door lets it into a name.
const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** The known names of every type of which some action is read. */
export function compileResources({ actions, resources }: Charter): ReadonlyMap<string, KnownNames> {
  const types = new Set(actions.flatMap(({ resource }) => (resource === undefined ? [] : [resource.type])));
  return new Map(
    [...types].map((type) => {
      const names = Object.hasOwn(resources, type) ? (resources[type] ?? []) : [];
      return [
        type,
        { names: new Set(names), plain: new Set(names.flatMap((name) => plainName(name) ?? [])) },
      ];
    }),
  );
}

/** What is wrong with where a charter reads a resource, in words; null: nothing. `near` says which type was perhaps meant. */
export function resourceProblem(
  { type, from }: ResourceSetting,
  { resources }: Pick<Charter, 'resources'>,
  near: (word: string, known: readonly string[]) => string = suggest,
): string | null {
  if (type.includes('/') || type.includes('.'))
    return `no scope and no flag can name a resource of the type \`${type}\`; write one without / and .`;
  if (!Object.hasOwn(resources, type))
    return `there are no resources of the type \`${type}\`${near(type, Object.keys(resources))}; add it under resources`;
  return /[^./]/.test(from) ? null : `\`${from}\` is no parameter; write its name, such as portal`;
}

/**
 * The action as the charter has it: touching what its parameters say, where the charter says which of them does. A
 * parameter that is missing, is no text, or holds what cannot be told from a name of the charter leaves it without a
 * resource, which every restriction of one reaches. The same object where nothing changes. A claim that contradicts the
 * parameters is left as it is: `decide` refuses it.
 */
export function withResource(law: Law, action: Action, word: ResourceWord = 'claimed'): Action {
  const setting = law.rules.entryOf(action.action).setting?.resource;
  if (setting === undefined) return action;
  const named = readResource(law, setting, action.parameters);
  const { resource } = action;
  if (isSame(named, resource)) return action;
  return word === 'claimed' && isContradicted(named, resource) ? action : { ...action, resource: named };
}

/** Why an action that claims to touch something else than its parameters say is refused; null where nothing contradicts. */
export function contradiction(
  { from }: ResourceSetting,
  claimed: Resource | null,
  named: Resource | null,
): string | null {
  if (!isContradicted(named, claimed)) return null;
  return `The request says that it touches ${shown(claimed)}, but its parameter \`${from}\`, from which the charter reads the resource, says ${shown(named)}. Leave resource out, or let both say the same.`;
}

/** Which resource counts, in a sentence. */
export function describeResource({ type, from }: ResourceSetting, named: Resource | null): string {
  return named === null
    ? `The parameter \`${from}\`, from which the charter reads the resource, names no ${type}, so this may touch any.`
    : `It touches ${shown(named)}, as the parameter \`${from}\` says.`;
}

function readResource(law: Law, { type, from }: ResourceSetting, parameters: JsonObject): Resource | null {
  const id = lookUp(parameters, from)?.node;
  if (typeof id !== 'string' || !isName(id)) return null;
  return isNearlyKnown(id, law.resources.get(type)) ? null : { type, id };
}

function isName(id: string): boolean {
  return id.trim() !== '' && id.length <= NAME_MAX && !DECEPTIVE.test(id) && id.isWellFormed();
}

// ` TMS` may mean the portal `tms` to the tool that gets it: what is spelt nearly like a name could be that one.
function isNearlyKnown(id: string, known: KnownNames | undefined): boolean {
  if (known === undefined || known.names.size === 0 || known.names.has(id)) return false;
  const plain = plainName(id);
  return plain === null || known.plain.has(plain);
}

function plainName(name: string): string | null {
  const plain = plainText(name);
  return plain === null ? null : plain.trim();
}

function isSame(a: Resource | null, b: Resource | null): boolean {
  return a === b || (a !== null && b !== null && a.type === b.type && a.id === b.id);
}

function isContradicted(named: Resource | null, claimed: Resource | null): claimed is Resource {
  return named !== null && claimed !== null && !isSame(named, claimed);
}

function shown(resource: Resource | null): string {
  return resource === null ? 'nothing' : redactText(`${resource.type}/${resource.id}`);
}

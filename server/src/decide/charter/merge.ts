// Several files become one: what a charter says replaces what it inherits, by key. Lists replace lists, rules
// replace rules of the same match and selectors, and executors are replaced whole, because half of one executor
// and half of another would be a third that nobody wrote.
import type { Tier } from '@mandate/kernel';
import { renderOrigin } from './error.ts';
import type { Path } from './error.ts';
import type { MergedAction, Merged } from './merged.ts';
import { mergeMonitors } from './monitors-data.ts';
import { overlay } from './overlay.ts';
import type { YamlFile } from './parse.ts';
import { ruleKey } from './rules.ts';
import type { DraftRule, DraftRules, RuleSettings } from './rules.ts';
import type { WrittenAction, WrittenCharter } from './schema.ts';
import { expandPattern } from './units.ts';

/** One file with everything read from it, base files first. */
export interface Part {
  readonly yaml: YamlFile;
  readonly written: WrittenCharter;
  readonly drafts: DraftRules;
}

/** Merges files in the order given, each over the ones before it. `parts` is never empty: its last is the charter itself. */
export function mergeParts(parts: readonly [Part, ...Part[]]): Merged {
  let sections: Merged['sections'] = {};
  let rules: readonly DraftRule[] = [];
  const tiers: Record<Tier, RuleSettings> = { green: {}, yellow: {}, red: {}, black: {} };
  let sets: Readonly<Record<string, RuleSettings>> = {};
  for (const { written, drafts } of parts) {
    sets = overlayEach(sets, drafts.sets);
    sections = mergeSections(sections, written);
    const replaced = new Set(drafts.rules.map(ruleKey));
    rules = [...rules.filter((rule) => !replaced.has(ruleKey(rule))), ...drafts.rules];
    for (const tier of TIER_NAMES) tiers[tier] = overlay(tiers[tier], drafts.tiers[tier]);
  }
  const [first] = parts;
  return {
    sections,
    rules,
    tiers,
    sets,
    actions: mergeActions(parts),
    fileOf: (path) => (parts.findLast((part) => part.yaml.has(path)) ?? parts.at(-1) ?? first).yaml,
  };
}

const TIER_NAMES: readonly Tier[] = ['green', 'yellow', 'red', 'black'];

function mergeSections(base: Merged['sections'], over: Merged['sections']): Merged['sections'] {
  return {
    enforcement: over.enforcement ?? base.enforcement,
    registration: over.registration ?? base.registration,
    environment: over.environment ?? base.environment,
    roles: over.roles ?? base.roles,
    schedules: over.schedules ?? base.schedules,
    monitors: mergeMonitors(base.monitors, over.monitors),
    // A set is replaced whole: half of one ladder and half of another would be a third that nobody wrote.
    phases: overlay(base.phases, over.phases),
    readiness: over.readiness === undefined ? base.readiness : overlay(base.readiness, over.readiness),
    resume: overlay(base.resume, over.resume),
    approvals: overlay(base.approvals, over.approvals),
    agents: overlayEach(base.agents, over.agents),
    users: overlayEach(base.users, over.users),
    resources: overlay(base.resources, over.resources),
    executors: overlay(base.executors, over.executors),
    limits: overlay(base.limits, over.limits),
    notify: {
      ...overlay(base.notify, over.notify),
      channels: overlay(base.notify?.channels, over.notify?.channels),
    },
    guardrails: {
      ...overlay(base.guardrails, over.guardrails),
      cost: overlay(base.guardrails?.cost, over.guardrails?.cost),
      diff: overlay(base.guardrails?.diff, over.guardrails?.diff),
      ...guardrailMaps(base, over),
    },
    flows: mergeFlows(base.flows, over.flows),
    trust: {
      ...overlay(base.trust, over.trust),
      levels: overlay(base.trust?.levels, over.trust?.levels),
      success: overlay(base.trust?.success, over.trust?.success),
      failure: overlay(base.trust?.failure, over.trust?.failure),
    },
  };
}

/** Only where one of them has any: what is not written must stay unwritten. */
function guardrailMaps(
  { guardrails: base }: Merged['sections'],
  { guardrails: over }: Merged['sections'],
): Pick<NonNullable<Merged['sections']['guardrails']>, 'own' | 'plugins' | 'taint'> {
  const merged = <T extends object>(below: T | undefined, above: T | undefined): T | undefined =>
    below === undefined || above === undefined ? (above ?? below) : overlay(below, above);
  return {
    own: merged(base?.own, over?.own),
    plugins: merged(base?.plugins, over?.plugins),
    taint: merged(base?.taint, over?.taint),
  };
}

/** A flow replaces the inherited one of its name; the others stay, or writing one would lift the rest. */
function mergeFlows(
  base: Merged['sections']['flows'],
  over: Merged['sections']['flows'],
): Merged['sections']['flows'] {
  if (base === undefined || over === undefined) return over ?? base;
  const names = new Set(over.map(({ name }) => name));
  return [...base.filter(({ name }) => !names.has(name)), ...over];
}

function overlayEach<T extends object>(
  base: Readonly<Record<string, T>> | undefined,
  over: Readonly<Record<string, T>> | undefined,
): Record<string, T> {
  const merged: Record<string, T> = { ...base };
  for (const [key, value] of Object.entries(over ?? {})) {
    merged[key] = overlay(Object.hasOwn(merged, key) ? merged[key] : undefined, value);
  }
  return merged;
}

function mergeActions(parts: readonly Part[]): MergedAction[] {
  const layers = new Map<
    string,
    { readonly part: Part; readonly path: Path; readonly setting: WrittenAction }[]
  >();
  for (const part of parts) {
    for (const [key, setting] of Object.entries(part.written.actions ?? {})) {
      for (const match of expandPattern(key)) {
        const layer = { part, path: ['actions', key], setting };
        const below = layers.get(match);
        if (below === undefined) layers.set(match, [layer]);
        else below.push(layer);
      }
    }
  }
  return [...layers].map(([match, stack]) => {
    const top = stack.at(-1);
    if (top === undefined) throw new Error(`the action ${match} was merged from no file`);
    return {
      match,
      setting: stack.reduce<WrittenAction>((below, layer) => overlay(below, layer.setting), {}),
      origin: renderOrigin(top.part.yaml.placeOfKey(top.path), top.path),
      placeOf: (field) => {
        const layer = stack.findLast((it) => it.setting[field] !== undefined) ?? top;
        const path = [...layer.path, field];
        return { place: layer.part.yaml.placeOf(path), path };
      },
    };
  });
}

// Drafts the charter that a time of audit has shown to be needed. It is a proposal for a person to read: nothing is put
// in force, and what it would still hold of that which ran stands in its first lines.
import type { Law, StillHeld, Suggestion } from '@mandate/kernel';
import { iso } from '../../platform/clock/iso.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { adviseOn, collapse } from './advice.ts';
import type { CharterFile, CharterFiles, PolicyCharters } from './charters.ts';
import { draftText } from './draft-text.ts';
import { rangeOf } from './range.ts';
import type { AskedRange, Range } from './range.ts';
import { asAsked, decideUnder } from './replay.ts';
import { causesOf, createSightings, hasRun } from './sightings.ts';
import { MOST_ACTS } from './simulate.ts';
import { readPeoplesWord } from './store.ts';
import type { Turns } from './turns.ts';
import type { GivenUp, Walk, Walked } from './walk.ts';

export type Suggested =
  | { readonly kind: 'suggested'; readonly suggestion: Suggestion }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface SuggestCall {
  readonly tenant: string;
  readonly range: AskedRange;
  readonly relax: boolean;
}

export type Suggest = (call: SuggestCall) => Promise<Suggested>;

export interface SuggestNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly charters: Pick<PolicyCharters, 'active' | 'load' | 'find'>;
  readonly walk: Walk;
  readonly turns: Turns;
}

const SHIPPED = 'version: 1\nextends: default\n';
const MOST_HELD = 500;

export function createSuggest({ store, clock, charters, walk, turns }: SuggestNeeds): Suggest {
  return (call) => turns.take(() => draft(call));

  async function draft({ tenant, range: asked, relax }: SuggestCall): Promise<Suggested> {
    const range = rangeOf(asked, clock.nowMs());
    const [active, shipped] = await Promise.all([
      charters.active(tenant),
      charters.find(tenant, SHIPPED, ''),
    ]);
    if (active.kind === 'refused') return active;
    if (shipped.kind === 'refused') return shipped;
    const { sightings, walked } = await look({ tenant, range, law: active.law, shipped: shipped.law });
    if (walked.kind === 'given_up') return { kind: 'refused', refusal: walked.refusal };

    const written = new Set(
      active.law.charter.rules.flatMap(({ match, origin }) => (isOwn(origin, active.files) ? [match] : [])),
    );
    const advices = sightings.all().map((sighting) => adviseOn(sighting, { relax, written }));
    const rules = collapse(advices, [...active.law.charter.rules, ...shipped.law.charter.rules]);
    const kept = advices.filter(({ tier }) => tier === null);
    const own = active.files.at(-1);
    const base = own === undefined || own.kind === 'shipped' ? SHIPPED : own.text;
    const write = (header: readonly string[]): string => draftText({ text: base, rules, kept, header });

    const loaded = await charters.load(withOwn(active.files, write([])));
    // Written by us from what loads: a mistake in it is ours, and its words say where.
    if (loaded.kind === 'refused') throw new Error(`The draft does not load: ${loaded.problems.join(' ')}`);
    const stillHeld = await verify({ tenant, range, law: loaded.law });
    if ('kind' in stillHeld) return { kind: 'refused', refusal: stillHeld.refusal };
    const header = headerOf({ range, walked, stillHeld, leftOut: sightings.leftOut() });
    return {
      kind: 'suggested',
      suggestion: {
        text: write(header),
        version: loaded.version,
        from: iso(range.fromMs),
        to: iso(range.toMs),
        acts: walked.acts,
        unreadable: walked.unreadable,
        cutAt: walked.cutAtMs === null ? null : iso(walked.cutAtMs),
        rules: rules.map(({ match, tier, of }) => ({ match, tier, actions: of.map(({ action }) => action) })),
        stillHeld,
      },
    };
  }

  async function look(of: { tenant: string; range: Range; law: Law; shipped: Law }) {
    const { tenant, range, law, shipped } = of;
    const said = await store.withTenant(tenant, (tx) => readPeoplesWord(tx, tenant, range));
    const idsOf = (status: string): ReadonlySet<string> =>
      new Set(said.flatMap((it) => (it.status === status ? [it.actId] : [])));
    const sightings = createSightings({
      law,
      shipped,
      approved: idsOf('approved'),
      denied: idsOf('denied'),
    });
    const walked = await walk({
      tenant,
      range,
      most: MOST_ACTS,
      visit: (act, evidence) => sightings.see(act, evidence),
    });
    return { sightings, walked };
  }

  /** Whatever ran and would be held by the draft, so that the draft can say so. */
  async function verify(of: {
    tenant: string;
    range: Range;
    law: Law;
  }): Promise<readonly StillHeld[] | GivenUp> {
    const held = new Map<string, StillHeld>();
    const walked = await walk({
      tenant: of.tenant,
      range: of.range,
      most: MOST_ACTS,
      visit(act, { action, facts }) {
        if (!hasRun(act)) return;
        const decision = decideUnder({ law: of.law, enforcement: 'enforce' }, action, asAsked(facts));
        if (decision.effect === 'execute') return;
        const causes = causesOf(decision);
        const key = JSON.stringify([act.action, causes]);
        const known = held.get(key);
        if (known !== undefined) held.set(key, { ...known, count: known.count + 1 });
        else if (held.size < MOST_HELD)
          held.set(key, { action: act.action, causes, count: 1, example: act.id });
      },
    });
    if (walked.kind === 'given_up') return walked;
    return [...held.values()].toSorted((a, b) => b.count - a.count || (a.action < b.action ? -1 : 1));
  }
}

/** Rules of the charter's own file begin with its name. */
function isOwn(origin: string, files: readonly CharterFile[]): boolean {
  const own = files.at(-1);
  return own?.kind === 'own' && origin.startsWith(`${own.name}:`);
}

function withOwn(files: readonly CharterFile[], text: string): CharterFiles {
  const own = files.at(-1);
  const file: CharterFile = { kind: 'own', name: own?.kind === 'own' ? own.name : 'charter.yaml', text };
  const [first, ...rest] = [...files.slice(0, own?.kind === 'own' ? -1 : undefined), file];
  return [first ?? file, ...rest];
}

function headerOf(of: {
  readonly range: Range;
  readonly walked: Walked;
  readonly stillHeld: readonly StillHeld[];
  readonly leftOut: number;
}): readonly string[] {
  const { range, walked, stillHeld, leftOut } = of;
  const held = stillHeld.reduce((sum, { count }) => sum + count, 0);
  return [
    `A draft, from ${walked.acts} actions recorded between ${iso(range.fromMs)} and ${iso(range.toMs)}. Read it before you put it in force.`,
    ...(walked.cutAtMs === null
      ? []
      : [`Nothing older than ${iso(walked.cutAtMs)} was looked at: ask for a shorter time.`]),
    ...(walked.unreadable === 0
      ? []
      : [`${walked.unreadable} of them could not be opened and are not in it.`]),
    ...(leftOut === 0 ? [] : [`${leftOut} of them have names beyond the most that a draft looks at.`]),
    held === 0
      ? 'Replayed over the same actions it holds nothing that ran.'
      : `Replayed over the same actions it would hold ${held} that ran:`,
    ...stillHeld.map(({ action, causes, count }) => `  ${count} × ${action}: ${causes.join(', ')}`),
  ];
}

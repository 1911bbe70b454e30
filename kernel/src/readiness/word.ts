// Whether somebody's word counts: who gave it, in which role, how long it holds, and what the charter of today asks for.
// Nobody may read it in two ways, so what is listed and what is counted ask the same.
import type { Attested, Finding, ReadinessGround } from './ground.ts';
import type { ReadinessItem } from './item.ts';

/** How far the clock of whoever wrote an attestation down may be ahead of this one. */
const SKEW_MS = 300_000;
/** Somebody is asked to vouch anew this long before it ends. */
const SOON_MS = 14 * 86_400_000;

/** `outgrown`: the charter asks for another role by now, or for no word on that item. */
export type WordStatus = 'counts' | 'expired' | 'withdrawn' | 'early' | 'outgrown';

type AttestedItem = ReadinessItem & { readonly kind: 'attested' };

/** What an attestation is worth by the items of the charter in force. `early`: of a day that is still to come. */
export function wordStatus(items: readonly ReadinessItem[], word: Attested, nowMs: number): WordStatus {
  if (word.withdrawn !== null) return 'withdrawn';
  const item = items.find(({ name }) => name === word.item);
  return item?.kind === 'attested' ? statusOf(item, word, nowMs) : 'outgrown';
}

/** Until when it counts, in epoch milliseconds: as it was said, or shorter where the charter has come to allow less. */
export function wordEndMs(items: readonly ReadinessItem[], word: Attested): number {
  const item = items.find(({ name }) => name === word.item);
  return item?.kind === 'attested' ? endOf(item, word) : word.expiresMs;
}

/** Whether anybody's word makes the item met. */
export function lookForWord(item: AttestedItem, ground: ReadinessGround): Finding {
  const words = ground.attested.filter(({ item: of }) => of === item.name);
  const best = bestOf(item, ground);
  if (best !== null) {
    const details = `${best.by} (${best.role}) attested it on ${day(best.dateMs)} with ${best.evidence}; it counts until ${day(endOf(item, best))}.`;
    return { status: 'met', details, next: null, waits: false };
  }
  const last = words.toSorted((a, b) => b.dateMs - a.dateMs)[0];
  const next =
    item.next ??
    `Have somebody with the role ${item.roles.join(' or ')} attest it with evidence: mandate governance attest '${item.name}' --file FILE.`;
  return { status: 'unmet', details: whyNot(item, last, ground.nowMs), next, waits: false };
}

/** Says in time of an item that it has to be attested anew. */
export function soonOver(item: ReadinessItem, ground: ReadinessGround): readonly string[] {
  const best = item.kind === 'attested' ? bestOf(item, ground) : null;
  if (item.kind !== 'attested' || best === null) return [];
  const endMs = endOf(item, best);
  return endMs - ground.nowMs > SOON_MS
    ? []
    : [`${item.name} counts only until ${day(endMs)}: have it attested anew before that.`];
}

function whyNot(item: AttestedItem, last: Attested | undefined, nowMs: number): string {
  if (last === undefined) return 'Nobody has attested it.';
  const given = `What ${last.by} (${last.role}) attested on ${day(last.dateMs)}`;
  if (last.withdrawn !== null)
    return `${given} was withdrawn by ${last.withdrawn.by} on ${day(last.withdrawn.atMs)}.`;
  switch (statusOf(item, last, nowMs)) {
    case 'outgrown':
      return `${given} no longer counts: now it takes the role ${item.roles.join(' or ')}.`;
    case 'early':
      return `${given} is still to come: nobody can vouch for it today.`;
    case 'expired':
    case 'counts':
      return `${given} expired on ${day(endOf(item, last))}.`;
  }
}

/** The attestation that counts the longest; null where none does. */
function bestOf(item: AttestedItem, { attested, nowMs }: ReadinessGround): Attested | null {
  const [best] = attested
    .filter((it) => it.item === item.name && it.withdrawn === null && statusOf(item, it, nowMs) === 'counts')
    .toSorted((a, b) => endOf(item, b) - endOf(item, a) || (a.by < b.by ? -1 : 1));
  return best ?? null;
}

/** Of one that nobody has withdrawn. */
function statusOf(item: AttestedItem, word: Attested, nowMs: number): Exclude<WordStatus, 'withdrawn'> {
  if (!item.roles.includes(word.role)) return 'outgrown';
  if (!(word.dateMs <= nowMs + SKEW_MS)) return 'early';
  return endOf(item, word) > nowMs ? 'counts' : 'expired';
}

/** A charter that has shortened the time since then counts. */
function endOf(item: AttestedItem, { dateMs, expiresMs }: Attested): number {
  return Math.min(expiresMs, dateMs + item.expiresMs);
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

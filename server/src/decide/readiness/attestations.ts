// What cannot be measured is vouched for: by a named person, in a role that the item asks for, with evidence whose hash is
// kept and a day on which it ends. Nothing here can be done in somebody else's name.
import { capacitiesOf, nearest } from '@mandate/kernel';
import type { Attested, GovernedSet, ReadinessItem } from '@mandate/kernel';
import { iso } from '../../platform/clock/iso.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { isPerson } from '../../platform/identity/principal.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { attestationView, attestedFrom } from './attested.ts';
import type { AttestationView } from './attested.ts';
import type { ReadinessCharter, ReadinessNeeds } from './needs.ts';
import {
  findAttestation,
  findSame,
  insertAttestation,
  listAttestations,
  readEvidence,
  updateWithdrawn,
} from './store.ts';
import type { NewAttestation } from './store.ts';

export type Evidence = {
  /** SHA-256 of what it held, 64 lower-case hex digits. */
  readonly sha256: string;
} & ({ readonly kind: 'file'; readonly file: string } | { readonly kind: 'url'; readonly url: string });

export interface AttestOrder {
  readonly principal: Principal;
  readonly charter: ReadinessCharter;
  readonly set: GovernedSet;
  readonly item: string;
  readonly evidence: Evidence;
  /** As of when it holds; null: today, or this moment where the item allows a day or less. */
  readonly dateMs: number | null;
  /** null: for as long as the item allows. */
  readonly expiresMs: number | null;
  readonly note: string | null;
  readonly traceId: string | null;
}

export interface WithdrawOrder {
  readonly principal: Principal;
  readonly charter: ReadinessCharter;
  readonly id: string;
  readonly reason: string;
  readonly traceId: string | null;
}

export type AttestationAnswer =
  | { readonly kind: 'done'; readonly attestation: AttestationView }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Attestations {
  attest(order: AttestOrder): Promise<AttestationAnswer>;
  /** By whoever gave it, or anybody who could give it. */
  withdraw(order: WithdrawOrder): Promise<AttestationAnswer>;
  /** Newest first, and what they are worth by the charter. */
  list(
    tenant: string,
    query: {
      readonly charter: ReadinessCharter;
      readonly set: string | null;
      readonly item: string | null;
      readonly limit: number;
    },
  ): Promise<readonly AttestationView[]>;
  /** What the kernel assesses by. */
  evidenceOf(tenant: string, set: string, nowMs: number): Promise<readonly Attested[]>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type AttestedItem = ReadinessItem & { readonly kind: 'attested' };

export function createAttestations({
  store,
  clock,
  chance,
  writeEntry,
}: Pick<ReadinessNeeds, 'store' | 'clock' | 'chance' | 'writeEntry'>): Attestations {
  return {
    async attest(order) {
      const { principal, charter, set, evidence, note, traceId } = order;
      const { tenant } = principal;
      const nowMs = clock.nowMs();
      const item = attestedItem(charter, order.item);
      if ('code' in item) return { kind: 'refused', refusal: item };
      const role = roleFor(principal, { item, charter, nowMs });
      if (role === null) return { kind: 'refused', refusal: roleMissing(principal, item) };
      if (!isPerson(principal.id)) return { kind: 'refused', refusal: unnamed(principal, item) };
      const times = timesOf(order, item, nowMs);
      if ('code' in times) return { kind: 'refused', refusal: times };
      const wanted: NewAttestation = {
        id: chance.uuid(),
        governed_set: set.name,
        item: item.name,
        attested_by: principal.id,
        role,
        evidence_kind: evidence.kind,
        evidence: evidence.kind === 'file' ? evidence.file : evidence.url,
        sha256: evidence.sha256,
        dated_at: times.dateMs,
        expires_at: times.expiresMs,
        note,
        attested_at: nowMs,
      };
      const row = await store.withTenant(tenant, async (tx) => {
        const inserted = await insertAttestation(tx, tenant, wanted);
        if (inserted === null) return findSame(tx, tenant, wanted);
        await writeEntry(tx, tenant, {
          kind: 'readiness.attested',
          actor: principal.id,
          atMs: nowMs,
          traceId,
          data: {
            attestation: wanted.id,
            set: set.name,
            item: item.name,
            role,
            evidence: wanted.evidence,
            sha256: wanted.sha256,
            date: iso(times.dateMs),
            expiresAt: iso(times.expiresMs),
            note,
          },
        });
        return inserted;
      });
      return row === null
        ? refused('conflict', 'The same was attested before and has just been withdrawn. Attest it again.')
        : { kind: 'done', attestation: attestationView(row, charter.items, nowMs) };
    },

    async withdraw({ principal, charter, id, reason, traceId }) {
      const { tenant } = principal;
      const nowMs = clock.nowMs();
      return store.withTenant(tenant, async (tx): Promise<AttestationAnswer> => {
        const found = await findAttestation(tx, tenant, id);
        if (found === null)
          return refused(
            'not_found',
            `There is no attestation ${id}; GET /api/v1/readiness/attestations lists them.`,
          );
        const item = charter.items.find(({ name }) => name === found.item);
        const mayWithdraw =
          found.attested_by === principal.id ||
          principal.roles.includes('admin') ||
          (item?.kind === 'attested' && roleFor(principal, { item, charter, nowMs }) !== null);
        if (!mayWithdraw) {
          const who =
            item?.kind === 'attested' ? `, or somebody with the role ${item.roles.join(' or ')}` : '';
          return refused('forbidden', `This is withdrawn by ${found.attested_by}${who}.`);
        }
        const row = await updateWithdrawn(tx, tenant, { id, by: principal.id, reason, atMs: nowMs });
        if (row === null)
          return refused(
            'conflict',
            `Attestation ${id} was withdrawn by ${found.withdrawn_by ?? 'somebody'} before.`,
          );
        await writeEntry(tx, tenant, {
          kind: 'readiness.attestation_withdrawn',
          actor: principal.id,
          atMs: nowMs,
          traceId,
          data: {
            attestation: id,
            set: row.governed_set,
            item: row.item,
            attestedBy: row.attested_by,
            reason,
          },
        });
        return { kind: 'done', attestation: attestationView(row, charter.items, nowMs) };
      });
    },

    list: (tenant, { charter, ...query }) =>
      store.withTenant(tenant, async (tx) =>
        (await listAttestations(tx, tenant, query)).map((row) =>
          attestationView(row, charter.items, clock.nowMs()),
        ),
      ),

    evidenceOf: (tenant, set, nowMs) =>
      store.withTenant(tenant, async (tx) => (await readEvidence(tx, tenant, set, nowMs)).map(attestedFrom)),
  };
}

function attestedItem({ items }: ReadinessCharter, name: string): AttestedItem | Refusal {
  const item = items.find((each) => each.name.toLowerCase() === name.trim().toLowerCase());
  const attested = items.flatMap((each) => (each.kind === 'attested' ? [each.name] : []));
  if (item === undefined) {
    const guess = nearest(name, attested);
    const detail = `There is no readiness item ${name}. ${guess === null ? `Attested are ${attested.join(', ') || 'none'}.` : `Did you mean ${guess}?`}`;
    return { code: 'invalid', detail };
  }
  if (item.kind === 'measured')
    return {
      code: 'invalid',
      detail: `${item.name} is measured (${item.when}), and nobody can vouch for it. Attested are ${attested.join(', ') || 'none'}.`,
    };
  return item;
}

/** As what somebody may vouch for the item: by a role of their own, or in a colleague's place; null: as nothing. */
function roleFor(
  principal: Principal,
  { item, charter, nowMs }: { item: AttestedItem; charter: ReadinessCharter; nowMs: number },
): string | null {
  const [capacity] = capacitiesOf(
    { by: principal.id, roles: principal.roles },
    { requiredRoles: item.roles },
    { standIns: charter.standIns, escalatedTo: [], nowMs },
    [],
  );
  return capacity?.role ?? null;
}

function roleMissing({ id, roles }: Principal, item: AttestedItem): Refusal {
  return {
    code: 'forbidden',
    detail: `${item.name} is attested by somebody with the role ${item.roles.join(' or ')}, and ${id} has ${roles.join(', ') || 'none'}. Ask one of them.`,
  };
}

function unnamed({ id }: Principal, item: AttestedItem): Refusal {
  return {
    code: 'forbidden',
    detail: `A person has to vouch for ${item.name}, and ${id} is nobody's name. Use a key that is made for a person: mandate key create --user ID --role ${item.roles[0] ?? 'tech-lead'}.`,
  };
}

function timesOf(
  { dateMs: date, expiresMs: expires }: AttestOrder,
  item: AttestedItem,
  nowMs: number,
): { readonly dateMs: number; readonly expiresMs: number } | Refusal {
  // What counts for hours could not be attested in the afternoon if it began with the day.
  const dateMs = date ?? (item.expiresMs <= DAY_MS ? nowMs : nowMs - (nowMs % DAY_MS));
  if (dateMs > nowMs)
    return {
      code: 'invalid',
      detail: `The date ${iso(dateMs)} is still to come. Attest what is so today.`,
    };
  const latestMs = dateMs + item.expiresMs;
  if (latestMs <= nowMs)
    return {
      code: 'invalid',
      detail: `${item.name} counts for ${timeText(item.expiresMs)}, so what was so on ${iso(dateMs)} ended on ${iso(latestMs)}. Look again, and attest it as of today.`,
    };
  const expiresMs = expires ?? latestMs;
  if (expiresMs <= nowMs || expiresMs <= dateMs)
    return {
      code: 'invalid',
      detail: `It would have ended on ${iso(expiresMs)} already. Write a later expiresAt, at most ${iso(latestMs)}.`,
    };
  if (expiresMs > latestMs)
    return {
      code: 'invalid',
      detail: `${item.name} counts for ${timeText(item.expiresMs)} at most, until ${iso(latestMs)}. Write an earlier expiresAt, or leave it out.`,
    };
  return { dateMs, expiresMs };
}

function timeText(ms: number): string {
  return ms < DAY_MS ? `${ms / HOUR_MS} hours` : `${ms / DAY_MS} days`;
}

function refused(code: Refusal['code'], detail: string): AttestationAnswer {
  return { kind: 'refused', refusal: { code, detail } };
}

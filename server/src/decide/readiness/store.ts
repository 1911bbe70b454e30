// The rows of attestations and of assessments, one statement per function.
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Tx } from '../../platform/postgres/store.ts';

export interface AttestationRow {
  readonly id: string;
  readonly governed_set: string;
  readonly item: string;
  readonly attested_by: string;
  readonly role: string;
  readonly evidence_kind: 'file' | 'url';
  readonly evidence: string;
  readonly sha256: string;
  readonly dated_at: number;
  readonly expires_at: number;
  readonly note: string | null;
  readonly attested_at: number;
  readonly withdrawn_at: number | null;
  readonly withdrawn_by: string | null;
  readonly withdraw_reason: string | null;
}

/** An assessment that was kept, without its report. */
export interface KeptAssessment {
  readonly number: number;
  readonly at: number;
  readonly because: 'cycle' | 'change';
  readonly phase: string;
  readonly points: number;
  readonly total: number;
  readonly ready: boolean;
}

export interface AssessmentRow extends KeptAssessment {
  readonly fingerprint: string;
  /** As it was written by this module. */
  readonly report: unknown;
}

export type NewAttestation = Omit<AttestationRow, 'withdrawn_at' | 'withdrawn_by' | 'withdraw_reason'>;

const columns = (tx: Tx) =>
  tx`id, governed_set, item, attested_by, role, evidence_kind, evidence, sha256, dated_at, expires_at, note, attested_at,
    withdrawn_at, withdrawn_by, withdraw_reason`;

/** null where the same was said before and still stands. */
export async function insertAttestation(
  tx: Tx,
  tenant: string,
  it: NewAttestation,
): Promise<AttestationRow | null> {
  const [row] = await tx<AttestationRow[]>`
    insert into mandate.attestation (tenant, id, governed_set, item, attested_by, role, evidence_kind, evidence, sha256, dated_at, expires_at, note, attested_at)
    values (${tenant}, ${it.id}, ${it.governed_set}, ${it.item}, ${it.attested_by}, ${it.role}, ${it.evidence_kind}, ${it.evidence}, ${it.sha256},
      ${new Date(it.dated_at)}, ${new Date(it.expires_at)}, ${it.note}, ${new Date(it.attested_at)})
    on conflict do nothing returning ${columns(tx)}`;
  return row ?? null;
}

export async function findSame(tx: Tx, tenant: string, it: NewAttestation): Promise<AttestationRow | null> {
  const [row] = await tx<AttestationRow[]>`
    select ${columns(tx)} from mandate.attestation
    where tenant = ${tenant} and governed_set = ${it.governed_set} and item = ${it.item} and attested_by = ${it.attested_by} and sha256 = ${it.sha256}
      and dated_at = ${new Date(it.dated_at)} and expires_at = ${new Date(it.expires_at)} and withdrawn_at is null`;
  return row ?? null;
}

export async function findAttestation(tx: Tx, tenant: string, id: string): Promise<AttestationRow | null> {
  const [row] = await tx<AttestationRow[]>`
    select ${columns(tx)} from mandate.attestation where tenant = ${tenant} and id = ${id}`;
  return row ?? null;
}

/** null where it was withdrawn already. */
export async function updateWithdrawn(
  tx: Tx,
  tenant: string,
  it: { readonly id: string; readonly by: string; readonly reason: string; readonly atMs: number },
): Promise<AttestationRow | null> {
  const [row] = await tx<AttestationRow[]>`
    update mandate.attestation set withdrawn_at = ${new Date(it.atMs)}, withdrawn_by = ${it.by}, withdraw_reason = ${it.reason}
    where tenant = ${tenant} and id = ${it.id} and withdrawn_at is null returning ${columns(tx)}`;
  return row ?? null;
}

/** Newest first. */
export function listAttestations(
  tx: Tx,
  tenant: string,
  { set, item, limit }: { readonly set: string | null; readonly item: string | null; readonly limit: number },
): Promise<readonly AttestationRow[]> {
  return tx<AttestationRow[]>`
    select ${columns(tx)} from mandate.attestation
    where tenant = ${tenant} ${set === null ? tx`` : tx`and governed_set = ${set}`} ${item === null ? tx`` : tx`and item = ${item}`}
    order by attested_at desc, id desc limit ${limit}`;
}

/**
 * What an assessment looks at: everything that may still count, and the newest of each item, which says why nothing does.
 */
export function readEvidence(
  tx: Tx,
  tenant: string,
  set: string,
  nowMs: number,
): Promise<readonly AttestationRow[]> {
  return tx<AttestationRow[]>`
    select ${columns(tx)} from (
      select *, row_number() over (partition by item order by dated_at desc, attested_at desc, id desc) as age
      from mandate.attestation where tenant = ${tenant} and governed_set = ${set}
    ) a where age = 1 or (withdrawn_at is null and expires_at > ${new Date(nowMs)})
    order by item, attested_at, id`;
}

/** Whoever keeps an assessment of the set waits for whoever is doing so, in every process. */
export async function lockSet(tx: Tx, tenant: string, set: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtext('readiness'), hashtext(${`${tenant}/${set}`}))`;
}

/** What was kept last. */
export async function latestAssessment(tx: Tx, tenant: string, set: string): Promise<AssessmentRow | null> {
  const [row] = await tx<AssessmentRow[]>`
    select number, at, because, phase, points, total, ready, fingerprint, report from mandate.readiness_assessment
    where tenant = ${tenant} and governed_set = ${set} order by number desc limit 1`;
  return row ?? null;
}

/** Newest first, without their reports. */
export function listAssessments(
  tx: Tx,
  tenant: string,
  { set, limit }: { readonly set: string; readonly limit: number },
): Promise<readonly KeptAssessment[]> {
  return tx<KeptAssessment[]>`
    select number, at, because, phase, points, total, ready from mandate.readiness_assessment
    where tenant = ${tenant} and governed_set = ${set} order by number desc limit ${limit}`;
}

export async function insertAssessment(
  tx: Tx,
  tenant: string,
  it: Omit<AssessmentRow, 'number' | 'report'> & { readonly set: string; readonly report: object },
): Promise<void> {
  await tx`
    insert into mandate.readiness_assessment (tenant, governed_set, at, because, phase, points, total, ready, fingerprint, report)
    values (${tenant}, ${it.set}, ${new Date(it.at)}, ${it.because}, ${it.phase}, ${it.points}, ${it.total}, ${it.ready}, ${it.fingerprint},
      ${jsonb(tx, it.report)})`;
}

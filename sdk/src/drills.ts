// What was rehearsed: have the kill switch pulled for a trial, have the journal verified, report what people broke on
// purpose.
import type { JsonObject } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, textOf, truthOf, wordOf } from './guard.ts';
import type { Fields } from './guard.ts';
import type { Transport } from './transport.ts';

const KINDS = ['kill_switch', 'chaos', 'audit_verification'] as const;
export type DrillKind = (typeof KINDS)[number];

export interface Drill {
  readonly id: string;
  readonly kind: DrillKind;
  readonly at: string;
  readonly passed: boolean;
  readonly by: string;
  readonly evidence: Fields;
  readonly expiresAt: string;
  /** Passed, and not yet expired. */
  readonly counts: boolean;
}

export interface ChaosReport {
  /** When it took place, ISO 8601. */
  readonly at: string;
  readonly passed: boolean;
  readonly summary: string;
  /** Where the evidence is, or the SHA-256 of a file of it; at least one of them. */
  readonly link?: string | undefined;
  readonly sha256?: string | undefined;
}

export interface Drills {
  /** A real stop of a scope of its own, which nothing works in, and its resume. */
  killSwitch(): Promise<Drill>;
  verifyAudit(): Promise<Drill>;
  /** Needs a key that was made for a user. */
  reportChaos(report: ChaosReport): Promise<Drill>;
  /** Newest first. */
  list(kind?: DrillKind): Promise<readonly Drill[]>;
}

export function createDrills(transport: Transport): Drills {
  const path = '/api/v1/governance/drills';
  const post = async (body: JsonObject): Promise<Drill> =>
    readDrill(
      await transport.read({ method: 'POST', path, body, agent: null, isRepeatable: false }),
      'the drill',
    );
  return {
    killSwitch: () => post({ kind: 'kill_switch' }),
    verifyAudit: () => post({ kind: 'audit_verification' }),
    reportChaos: ({ at, passed, summary, link, sha256 }) =>
      post({
        kind: 'chaos',
        at,
        passed,
        summary,
        ...(link === undefined ? {} : { link }),
        ...(sha256 === undefined ? {} : { sha256 }),
      }),
    async list(kind) {
      const asked = kind === undefined ? path : `${path}?kind=${kind}`;
      const answer = await transport.read({ method: 'GET', path: asked, agent: null, isRepeatable: true });
      return listOf(fieldsOf(answer, 'the answer')['items'], readDrill, 'items');
    },
  };
}

function readDrill(value: unknown, where: string): Drill {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    kind: wordOf(of['kind'], KINDS, `${where}.kind`),
    at: textOf(of['at'], `${where}.at`),
    passed: truthOf(of['passed'], `${where}.passed`),
    by: textOf(of['by'], `${where}.by`),
    evidence: fieldsOf(of['evidence'], `${where}.evidence`),
    expiresAt: textOf(of['expiresAt'], `${where}.expiresAt`),
    counts: truthOf(of['counts'], `${where}.counts`),
  };
}

// Readiness for programs: how far a set is from its next phase, item by item, and vouching for what cannot be measured.
import type {
  JsonObject,
  ReadinessItemView,
  ReadinessPartView,
  ReadinessScore,
  ReadinessView,
  WordStatus,
} from '@mandate/kernel';
import { fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { Transport } from './transport.ts';

export interface KeptReadiness {
  readonly timestamp: string;
  readonly because: 'cycle' | 'change';
  readonly phase: string;
  readonly score: number;
  readonly points: number;
  readonly maxPoints: number;
  readonly ready: boolean;
}

/** Either a file by name or an address, with the SHA-256 of what it holds (64 hex digits). */
export type EvidenceRef =
  | { readonly file: string; readonly sha256: string }
  | { readonly url: string; readonly sha256: string };

export interface Attestation {
  readonly id: string;
  readonly set: string;
  readonly item: string;
  readonly by: string;
  readonly role: string;
  /** `outgrown`: the charter asks for another role by now, or for no word on it. `early`: dated in what is still to come. */
  readonly status: WordStatus;
  readonly evidence: {
    readonly file: string | null;
    readonly url: string | null;
    readonly sha256: string;
  };
  readonly date: string;
  readonly expiresAt: string;
  readonly note: string | null;
}

export interface AttestOrder {
  readonly item: string;
  readonly set?: string;
  readonly evidence: EvidenceRef;
  /** As of when it holds; today by default. */
  readonly date?: string;
  /** As long as the item allows by default. */
  readonly expiresAt?: string;
  readonly note?: string;
}

export interface Readiness {
  /** As it is now. `set` may be left out where there is one. */
  current(set?: string): Promise<ReadinessView>;
  /** As it was kept last. */
  latest(set?: string): Promise<ReadinessView>;
  score(set?: string): Promise<ReadinessScore>;
  /** When it changed, and what weekly cycles found; newest first. */
  history(set?: string): Promise<readonly KeptReadiness[]>;
  /** Newest first. */
  attestations(query?: { readonly set?: string; readonly item?: string }): Promise<readonly Attestation[]>;
  /** Takes the key of a person with one of the item's roles. */
  attest(order: AttestOrder): Promise<Attestation>;
  withdraw(id: string, reason: string): Promise<Attestation>;
}

export function createReadiness(transport: Transport): Readiness {
  const get = (path: string, query: Readonly<Record<string, string | undefined>>): Promise<unknown> => {
    const asked = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined) asked.set(key, value);
    const suffix = asked.size === 0 ? '' : `?${asked.toString()}`;
    return transport.read({
      method: 'GET',
      path: `/api/v1/readiness/${path}${suffix}`,
      agent: null,
      isRepeatable: true,
    });
  };
  const post = (path: string, body: JsonObject): Promise<unknown> =>
    transport.read({
      method: 'POST',
      path: `/api/v1/readiness/${path}`,
      body,
      agent: null,
      isRepeatable: true,
    });
  return {
    current: async (set) => readView(await get('current', { set })),
    latest: async (set) => readView(await get('latest', { set })),
    async score(set) {
      const of = fieldsOf(await get('score', { set }), 'the score');
      return {
        score: numberOf(of['score'], 'score'),
        ready: truthOf(of['ready'], 'ready'),
        blockers: listOf(of['blockers'], textOf, 'blockers'),
        threshold: numberOf(of['threshold'], 'threshold'),
      };
    },
    history: async (set) =>
      listOf(fieldsOf(await get('history', { set }), 'the answer')['items'], readKept, 'items'),
    attestations: async (query = {}) =>
      listOf(
        fieldsOf(await get('attestations', { ...query }), 'the answer')['items'],
        readAttestation,
        'items',
      ),
    async attest({ evidence, ...order }) {
      const body: JsonObject = { ...order, evidence: { ...evidence } };
      return readAttestation(await post('attestations', body), 'the attestation');
    },
    withdraw: async (id, reason) =>
      readAttestation(
        await post(`attestations/${encodeURIComponent(id)}/withdraw`, { reason }),
        'the attestation',
      ),
  };
}

function readView(value: unknown): ReadinessView {
  const of = fieldsOf(value, 'readiness');
  const overall = fieldsOf(of['overall'], 'overall');
  return {
    timestamp: textOf(of['timestamp'], 'timestamp'),
    set: optional(of['set'], textOf, 'set'),
    currentPhase: optional(of['currentPhase'], textOf, 'currentPhase'),
    daysSincePhaseStart: optional(of['daysSincePhaseStart'], numberOf, 'daysSincePhaseStart'),
    overall: {
      score: numberOf(overall['score'], 'overall.score'),
      points: numberOf(overall['points'], 'overall.points'),
      maxPoints: numberOf(overall['maxPoints'], 'overall.maxPoints'),
      verdict: wordOf(overall['verdict'], ['ready', 'almost_ready', 'needs_work'], 'overall.verdict'),
      ready: truthOf(overall['ready'], 'overall.ready'),
      blockers: listOf(overall['blockers'], textOf, 'overall.blockers'),
      validation: optional(
        overall['validation'],
        (it, where) => {
          const validation = fieldsOf(it, where);
          return {
            until: textOf(validation['until'], `${where}.until`),
            score: numberOf(validation['score'], `${where}.score`),
            threshold: numberOf(validation['threshold'], `${where}.threshold`),
          };
        },
        'overall.validation',
      ),
    },
    technical: readPart(of['technical'], 'technical'),
    process: readPart(of['process'], 'process'),
    organizational: readPart(of['organizational'], 'organizational'),
    recommendations: listOf(of['recommendations'], textOf, 'recommendations'),
    nextActions: listOf(of['nextActions'], textOf, 'nextActions'),
  };
}

function readPart(value: unknown, where: string): ReadinessPartView {
  const of = fieldsOf(value, where);
  return {
    score: numberOf(of['score'], `${where}.score`),
    maxScore: numberOf(of['maxScore'], `${where}.maxScore`),
    items: listOf(of['items'], readItem, `${where}.items`),
  };
}

function readItem(value: unknown, where: string): ReadinessItemView {
  const of = fieldsOf(value, where);
  return {
    name: textOf(of['name'], `${where}.name`),
    group: textOf(of['group'], `${where}.group`),
    kind: wordOf(of['kind'], ['measured', 'attested'], `${where}.kind`),
    weight: numberOf(of['weight'], `${where}.weight`),
    required: truthOf(of['required'], `${where}.required`),
    status: wordOf(of['status'], ['met', 'unmet'], `${where}.status`),
    details: textOf(of['details'], `${where}.details`),
    next: optional(of['next'], textOf, `${where}.next`),
  };
}

function readKept(value: unknown, where: string): KeptReadiness {
  const of = fieldsOf(value, where);
  return {
    timestamp: textOf(of['timestamp'], `${where}.timestamp`),
    because: wordOf(of['because'], ['cycle', 'change'], `${where}.because`),
    phase: textOf(of['phase'], `${where}.phase`),
    score: numberOf(of['score'], `${where}.score`),
    points: numberOf(of['points'], `${where}.points`),
    maxPoints: numberOf(of['maxPoints'], `${where}.maxPoints`),
    ready: truthOf(of['ready'], `${where}.ready`),
  };
}

function readAttestation(value: unknown, where: string): Attestation {
  const of = fieldsOf(value, where);
  const evidence = fieldsOf(of['evidence'], `${where}.evidence`);
  return {
    id: idOf(of['id'], `${where}.id`),
    set: textOf(of['set'], `${where}.set`),
    item: textOf(of['item'], `${where}.item`),
    by: textOf(of['by'], `${where}.by`),
    role: textOf(of['role'], `${where}.role`),
    status: wordOf(of['status'], ['counts', 'expired', 'withdrawn', 'early', 'outgrown'], `${where}.status`),
    evidence: {
      file: optional(evidence['file'], textOf, `${where}.evidence.file`),
      url: optional(evidence['url'], textOf, `${where}.evidence.url`),
      sha256: textOf(evidence['sha256'], `${where}.evidence.sha256`),
    },
    date: textOf(of['date'], `${where}.date`),
    expiresAt: textOf(of['expiresAt'], `${where}.expiresAt`),
    note: optional(of['note'], textOf, `${where}.note`),
  };
}

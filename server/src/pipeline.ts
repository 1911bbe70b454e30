// The one road. Every action of every agent, whatever door it came through, is admitted, decided, acted and proven
// here, and nothing may begin anywhere else. Read this file first: admit → decide → act → prove.
import { actionDigestText, decide, explainRules, meantName, settingOf } from '@mandate/kernel';
import type {
  Action,
  ConsideredRule,
  Decision,
  ResourceWord,
  SignatureGrant,
  Snapshot,
} from '@mandate/kernel';
import type { Act, KnownKey } from './act/actions/act.ts';
import { refused } from './act/actions/answers.ts';
import type { Answer, Answers } from './act/actions/answers.ts';
import type { Begin } from './act/actions/begin.ts';
import type { Journey } from './act/actions/draft.ts';
import type { NoteRefusal } from './act/actions/note-refusal.ts';
import type { Sealed } from './act/actions/sealed.ts';
import type { StandStill } from './act/actions/stand-still.ts';
import { admit } from './decide/agents/admit.ts';
import type { ActionRequest } from './decide/agents/admit.ts';
import type { Snapshots } from './decide/snapshots/snapshots.ts';
import type { Refusal } from './platform/http/problems.ts';
import type { Asker } from './platform/identity/asker.ts';

export type { Answer } from './act/actions/answers.ts';

export type Preview =
  | {
      readonly kind: 'decision';
      readonly decision: Decision;
      readonly snapshot: Snapshot;
      /** Every rule that names the action, and why it did or did not decide. */
      readonly explain: () => readonly ConsideredRule[];
      /** Where no rule names it: the name that was perhaps meant. */
      readonly meant: () => string | null;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Pipeline {
  /** Decides a new action and, when it may, runs it or hands out its permit. */
  request(asker: Asker, request: ActionRequest): Promise<Answer>;
  /** Decides an approved act again and begins it. Safe from any process, any number of times. */
  proceed(act: Act): Promise<Answer>;
  /** What would be decided, and why. Nothing is recorded or begun. */
  preview(asker: Asker, request: ActionRequest): Promise<Preview>;
}

export interface PipelineNeeds {
  /** Everything a decision may depend on, read in one statement. */
  readonly snapshots: Snapshots;
  /** Allowed: starts the act, executes it or hands out its permit, ends it. */
  readonly begin: Begin;
  /** Not allowed, or not now: puts on record what was decided. */
  readonly standStill: StandStill;
  readonly answers: Answers;
  readonly sealed: Sealed;
  readonly findIdempotent: (tenant: string, principal: string, key: string) => Promise<KnownKey | null>;
  /** The executor that takes an action by its name alone; null when the agent executes it itself. */
  readonly executorOf: (tenant: string, action: string) => string | null;
  /** Whether whoever asked for a waiting act could still ask for it. */
  readonly stands: (asker: Asker) => Promise<boolean>;
  /** What people let run again: exactly this action. */
  readonly signaturesOf: (wanted: {
    readonly tenant: string;
    readonly agent: string;
    readonly digest: string;
    readonly nowMs: number;
  }) => Promise<readonly SignatureGrant[]>;
  /** Puts on record what was refused before it was an act. */
  readonly noteRefusal: NoteRefusal;
  /** Told of each new decision, for a charter on trial. Answers at once. */
  readonly decided: (of: {
    readonly tenant: string;
    readonly actId: string;
    readonly action: Action;
    readonly snapshot: Snapshot;
    readonly decision: Decision;
  }) => void;
  /** Writes down, before it starts, an act that later decisions may have to look back at; null where none will. */
  readonly remember: (begun: {
    readonly tenant: string;
    readonly action: Action;
    readonly asker: Asker;
    readonly law: Snapshot['law'];
    readonly actId: string;
  }) => Promise<void> | null;
  readonly sha256: (text: string) => string;
  readonly uuid: () => string;
}

/** A decision that went stale this often is given up: what it depends on is changing all the time. */
const DECISIONS = 4;
const NOTHING_TO_ASK = 'Nobody has to approve this any more; ask for the action itself.';

export function createPipeline(needs: PipelineNeeds): Pipeline {
  const { snapshots, begin, standStill, answers, sealed, executorOf } = needs;

  async function request(asker: Asker, wanted: ActionRequest): Promise<Answer> {
    const admitted = admit(asker, wanted);
    if (admitted.kind === 'refused') {
      const { refusal } = admitted;
      await needs.noteRefusal({ ...wanted, asker, isAdmitted: false, refusal });
      return refused(refusal);
    }
    const { action } = admitted;
    const { tenant } = asker;
    // Two holders of tokens made out to one name share no keys: a repeat hands out what the first one was given.
    const principal = asker.boundTo === null ? asker.id : `${asker.id}/${asker.boundTo}`;
    const idempotency = wanted.idempotency === null ? null : { principal, ...wanted.idempotency };
    // A key that is new for certain is looked for by the start itself, which finds a second one all the same.
    if (idempotency !== null && wanted.idempotency?.isNew !== true) {
      const known = await needs.findIdempotent(tenant, idempotency.principal, idempotency.key);
      if (known !== null) return answers.repeated(tenant, known, idempotency);
    }
    return travel({
      asker,
      action,
      digestOf: (seen) => digestOf(tenant, seen),
      id: needs.uuid(),
      waiting: false,
      attach: wanted.attach,
      executor: null,
      idempotency,
      compensates: wanted.compensates,
      onlyAsk: wanted.onlyAsk ?? false,
    });
  }

  async function proceed(act: Act): Promise<Answer> {
    if (act.status !== 'waiting_for_approval') return answers.shown(act.tenant, act.id);
    const { action, asker } = await sealed.open(act);
    if (!(await needs.stands(asker))) {
      const detail = `The key ${asker.id} that asked for this has been revoked or has expired.`;
      return refused({ code: 'denied', detail }, act.decision, act.id);
    }
    return travel({
      asker,
      action,
      // People were asked about what it was then; what it touches by the charter of now is judged anew.
      digestOf: () => act.digest,
      id: act.id,
      waiting: true,
      attach: act.runsOn === 'repeat',
      executor: null,
      idempotency: null,
      compensates: act.compensates,
    });
  }

  async function preview(asker: Asker, wanted: ActionRequest): Promise<Preview> {
    const admitted = admit(asker, wanted);
    if (admitted.kind === 'refused') return admitted;
    const gathered = await snapshots.gather({
      tenant: asker.tenant,
      action: admitted.action,
      resourceIs: wordFor(wanted),
      digestOf: (seen) => digestOf(asker.tenant, seen),
      actId: null,
      asker,
    });
    if (gathered.kind === 'unavailable') return { kind: 'refused', refusal: unavailable(gathered.why) };
    const { action, digest } = gathered;
    const { decision, snapshot } = await judge(action, gathered.snapshot, digest);
    // Conditions may look at findings: at those that the decision was made with.
    const facts = { ...snapshot, findings: decision.findings };
    return {
      kind: 'decision',
      decision,
      snapshot,
      explain: () => explainRules(snapshot.law, action, facts),
      meant: () => meantName(snapshot.law, action.action),
    };
  }

  /** Decide, and decide again while act_start() finds that something has been tightened since. */
  async function travel({ digestOf: digestHere, ...asked }: Asked): Promise<Answer> {
    const { asker } = asked;
    for (let attempt = 0; attempt < DECISIONS; attempt += 1) {
      const gathered = await snapshots.gather({
        tenant: asker.tenant,
        action: asked.action,
        resourceIs: wordFor(asked),
        digestOf: digestHere,
        actId: asked.waiting ? asked.id : null,
        asker,
      });
      if (gathered.kind === 'unavailable') return refused(unavailable(gathered.why));
      const { action, digest } = gathered;
      const { decision, snapshot } = await judge(action, gathered.snapshot, digest);
      const executor =
        settingOf(snapshot.law, action.action)?.executor ?? executorOf(asker.tenant, action.action);
      if (attempt === 0 && !asked.waiting)
        needs.decided({ tenant: asker.tenant, actId: asked.id, action, snapshot, decision });
      const journey: Journey = { ...asked, action, digest, executor };
      if (decision.effect !== 'execute') return standStill(journey, decision, snapshot);
      if (asked.onlyAsk === true) return refused({ code: 'conflict', detail: NOTHING_TO_ASK }, decision);
      // A waiting act begins with its approval only, also where nothing red is left of what it waited for.
      if (asked.waiting && snapshot.approval === null) return answers.shown(asker.tenant, asked.id);
      const id = decision.code === 'approved' ? (gathered.approvedActId ?? asked.id) : asked.id;
      await needs.remember({ tenant: asker.tenant, action, asker, law: snapshot.law, actId: id });
      const answer = await begin({ ...journey, id }, decision, { ...gathered, snapshot });
      if (answer !== 'again') return answer;
    }
    const detail = `What this decision depends on changed ${DECISIONS} times while it was made.`;
    return refused({ code: 'stale', detail, retryAfterMs: 1_000 });
  }

  /** What people let run again is looked for only where something would wait: most decisions never ask. */
  async function judge(
    action: Action,
    snapshot: Snapshot,
    digest: string,
  ): Promise<{ readonly decision: Decision; readonly snapshot: Snapshot }> {
    const decision = decide(action, snapshot);
    if (decision.effect !== 'hold') return { decision, snapshot };
    const { tenant, nowMs } = snapshot;
    const signatures = await needs.signaturesOf({ tenant, agent: action.agent, digest, nowMs });
    if (signatures.length === 0) return { decision, snapshot };
    const signed = { ...snapshot, signatures };
    return { decision: decide(action, signed), snapshot: signed };
  }

  function digestOf(tenant: string, action: Action): string {
    return needs.sha256(actionDigestText(tenant, action));
  }

  return { request, proceed, preview };
}

/** A journey before the charter has said what it touches. */
interface Asked extends Omit<Journey, 'digest'> {
  readonly digestOf: (action: Action) => string;
}

/** What undoes an act touches what that one did, by Mandate's own record. */
function wordFor({ compensates }: Pick<Journey, 'compensates'>): ResourceWord {
  return compensates === null ? 'claimed' : 'recorded';
}

function unavailable(detail: string): Refusal {
  return { code: 'unavailable', detail };
}

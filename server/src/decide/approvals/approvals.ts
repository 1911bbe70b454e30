// The door of approvals: decisions of people on the digest of what they were shown, whatever it is about. Votes are
// counted by the kernel; this module keeps them, lets exactly one decision win, and carries it out in the same transaction.
import { APPROVER_ROLES, DEFAULT_APPROVAL_MS, DEFAULT_APPROVALS } from '@mandate/kernel';
import type { ApprovalNeeds, ApprovalSettings, ApprovalStatus } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { Approval } from './approval.ts';
import { createCast } from './cast.ts';
import type { Ballot, Voting, VoteAnswer } from './cast.ts';
import { readStats } from './fatigue.ts';
import type { ApprovalStats } from './fatigue.ts';
import { createOpening } from './open.ts';
import type { Opening } from './open.ts';
import { readPeople, rolesWithin, votersAmong } from './people.ts';
import type { Voter } from './people.ts';
import { noteShown } from './shown.ts';
import { noteEdit, pendingOfDigest, readApprovals } from './store.ts';
import type { SubjectName, SubjectOf } from './subject.ts';
import { createSweep } from './sweep.ts';
import type { Sweep } from './sweep.ts';
import { weighBallot } from './weigh-ballot.ts';

/** Decides everything that waits with one digest. */
export interface Bulk extends Omit<Ballot, 'approvalId'> {
  /** Only these, all of which must have the digest; null: all. */
  readonly ids: readonly string[] | null;
}

export type BulkAnswer =
  | {
      readonly kind: 'voted';
      readonly decided: readonly Approval[];
      readonly refused: readonly { readonly id: string; readonly refusal: Refusal }[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Approvals extends Opening {
  list(tenant: string, status: ApprovalStatus | null, limit: number): Promise<readonly Approval[]>;
  find(tenant: string, id: string): Promise<Approval | null>;
  vote(ballot: Ballot): Promise<VoteAnswer>;
  /** The same inside a transaction; `settings` come from `settingsOf`. */
  voteIn(tx: Tx, ballot: Ballot, settings: ApprovalSettings): Promise<VoteAnswer>;
  /** Why this vote would not be taken, without casting it; null where it would. */
  refusalIn(tx: Tx, ballot: Ballot, settings: ApprovalSettings): Promise<Refusal | null>;
  /** Says of an approval who made it of which other; answers with it. */
  noteEditIn(tx: Tx, edit: ApprovalEdit): Promise<Approval>;
  /** Casts one vote on everything that waits with that digest: all of it is identical. */
  bulk(bulk: Bulk): Promise<BulkAnswer>;
  /** Notes when somebody was first shown what may be decided. Channels call it when a message has been accepted. */
  shown(tenant: string, showing: Showing): Promise<void>;
  /** Who could decide it now: whom to tell, and as what they would vote. */
  votersOf(tenant: string, approval: Approval, narrowed?: Narrowed | null): Promise<readonly Voter[]>;
  settingsOf(tenant: string): Promise<ApprovalSettings>;
  /** What the charter asks for before something of that subject happens; null: it asks for nothing. */
  needsOf(tenant: string, subject: Exclude<SubjectName, 'action'>): Promise<ApprovalNeeds | null>;
  stats(tenant: string, window: { readonly fromMs: number; readonly toMs: number }): Promise<ApprovalStats>;
  readonly sweep: Sweep;
}

export interface ApprovalEdit {
  readonly tenant: string;
  readonly id: string;
  readonly replaces: string;
  /** A principal: `user:ada`. */
  readonly editor: string;
}

/** Somebody of whose roles only some count here. */
export interface Narrowed {
  /** A principal: `user:ada`. */
  readonly person: string;
  readonly within: readonly string[] | null;
}

export interface Showing {
  readonly ids: readonly string[];
  /** A principal: `user:ada`. */
  readonly person: string;
  readonly channel: string;
}

export interface ApprovalsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
  /** What is done with approvals that wait on no act. */
  readonly subjectOf: SubjectOf;
  /** Of the charter in force; null where there is none that can be read. */
  readonly charterOf: (tenant: string) => Promise<{ readonly approvals?: ApprovalSettings } | null>;
  /** Whether a charter is in force, readable or not. */
  readonly hasCharter: (tenant: string) => Promise<boolean>;
}

export type { Ballot, Voting, VoteAnswer };

/** More than this waits with one digest only when something runs wild; the rest is decided by deciding again. */
const BULK_MAX = 500;
/** Where there is no charter nothing is remembered and nobody stands in. */
const NONE: ApprovalSettings = { ...DEFAULT_APPROVALS, rememberMaxMs: 0 };
/** Whatever it asks for: a charter that cannot be read may ask for more than anybody knows. */
const MOST: ApprovalNeeds = {
  requiredRoles: APPROVER_ROLES,
  quorum: 2,
  fourEyes: true,
  expiresMs: DEFAULT_APPROVAL_MS,
};
/** Where the charter cannot be read, all that it could ask people for takes people (I5). */
const STRICT: ApprovalSettings = {
  ...NONE,
  subjects: { unfreeze: MOST, charter: MOST, tool: MOST, proposal: MOST },
};

export function createApprovals(needs: ApprovalsNeeds): Approvals {
  const { store, clock, chance, writeEntry, subjectOf, charterOf, hasCharter } = needs;
  const opening = createOpening({ clock, chance, writeEntry });
  const voteIn = createCast({ clock, chance, writeEntry, subjectOf });

  async function settingsOf(tenant: string): Promise<ApprovalSettings> {
    const charter = await charterOf(tenant);
    if (charter !== null) return charter.approvals ?? DEFAULT_APPROVALS;
    return (await hasCharter(tenant)) ? STRICT : NONE;
  }

  return {
    ...opening,
    voteIn,
    settingsOf,
    sweep: createSweep({ store, clock, writeEntry, subjectOf }),

    list: (tenant, status, limit) =>
      store.withTenant(tenant, (tx) => readApprovals(tx, tenant, { status, nowMs: clock.nowMs(), limit })),

    async find(tenant, id) {
      const [approval] = await store.withTenant(tenant, (tx) => readApprovals(tx, tenant, { ids: [id] }));
      return approval ?? null;
    },

    async vote(ballot) {
      const settings = await settingsOf(ballot.tenant);
      return store.withTenant(ballot.tenant, (tx) => voteIn(tx, ballot, settings));
    },

    async refusalIn(tx, ballot, settings) {
      const weighed = await weighBallot(tx, ballot, { settings, subjectOf, nowMs: clock.nowMs() });
      return weighed.kind === 'refused' ? weighed.refusal : null;
    },

    async noteEditIn(tx, edit) {
      await noteEdit(tx, edit);
      const [approval] = await readApprovals(tx, edit.tenant, { ids: [edit.id] });
      if (approval === undefined) throw new Error(`approval ${edit.id} vanished inside its own transaction`);
      return approval;
    },

    async bulk({ ids, ...ballot }) {
      const { tenant, digest } = ballot;
      const settings = await settingsOf(tenant);
      return store.withTenant(tenant, async (tx): Promise<BulkAnswer> => {
        const waiting = await pendingOfDigest(tx, tenant, { digest, nowMs: clock.nowMs(), limit: BULK_MAX });
        const other = ids?.find((id) => !waiting.includes(id));
        if (other !== undefined) {
          const detail = `The approval ${other} does not wait with this digest; only what is identical is decided together.`;
          return { kind: 'refused', refusal: { code: 'digest_mismatch', detail } };
        }
        const chosen = ids === null ? waiting : waiting.filter((id) => ids.includes(id));
        if (chosen.length === 0)
          return {
            kind: 'refused',
            refusal: { code: 'not_found', detail: 'Nothing waits with this digest.' },
          };
        const decided: Approval[] = [];
        const refused: { readonly id: string; readonly refusal: Refusal }[] = [];
        for (const approvalId of chosen) {
          const answer = await voteIn(tx, { ...ballot, approvalId }, settings);
          if (answer.kind === 'voted') decided.push(answer.approval);
          else refused.push({ id: approvalId, refusal: answer.refusal });
        }
        const [first] = refused;
        return decided.length === 0 && first !== undefined
          ? { kind: 'refused', refusal: first.refusal }
          : { kind: 'voted', decided, refused };
      });
    },

    shown: (tenant, showing) =>
      store.withTenant(tenant, (tx) => noteShown(tx, tenant, { ...showing, nowMs: clock.nowMs() })),

    async votersOf(tenant, approval, narrowed = null) {
      const { standIns } = await settingsOf(tenant);
      const nowMs = clock.nowMs();
      const people = await store.withTenant(tenant, (tx) => readPeople(tx, tenant, nowMs));
      const known = people.map((person) =>
        person.id === narrowed?.person
          ? { ...person, roles: rolesWithin(person.roles, narrowed.within) }
          : person,
      );
      return votersAmong(known, approval, { standIns, nowMs });
    },

    async needsOf(tenant, subject) {
      const settings = await settingsOf(tenant);
      const wanted = settings.subjects[subject];
      if (wanted === undefined) return null;
      return { ...wanted, escalate: wanted.escalate ?? settings.escalate };
    },

    stats: (tenant, window) => store.withTenant(tenant, (tx) => readStats(tx, tenant, window)),
  };
}

// Behind the approval page: who holds the link, what they may do with it, and their vote. It answers with whole pages, so
// that whoever mounts it needs to know nothing of approvals.
import type { Clock } from '../../platform/clock/clock.ts';
import { reasonField } from '../../platform/http/fields.ts';
import { PROBLEMS } from '../../platform/http/problems.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { isPermitted } from '../../platform/identity/roles.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { Approvals, Voting } from './approvals.ts';
import { readCase } from './case.ts';
import { createEditDesk } from './edit-desk.ts';
import { draftOf } from './edit-page.ts';
import type { EditDraft } from './edit-page.ts';
import type { Editing } from './editing.ts';
import type { ApprovalLinks, LinkHolder } from './link.ts';
import { renderKeyForm, renderNote, renderPage } from './page.ts';
import type { PageNeeds, Reader } from './page.ts';
import { rememberField, rememberMsOf } from './remember-field.ts';

export interface Page {
  readonly status: number;
  readonly html: string;
}

export interface ApprovalDesk {
  /** What the holder of a link sees. `isLooking` is false for a fetch ahead of time, which shows nobody anything. */
  openByLink(of: { readonly id: string; readonly token: string; readonly isLooking: boolean }): Promise<Page>;
  /** What whoever is signed in sees. Where their key may decide, they get a link of their own that may no more than it. */
  openByKey(of: { readonly id: string; readonly principal: Principal }): Promise<Page>;
  /** The form. Every field is a stranger's. */
  decide(of: {
    readonly id: string;
    readonly form: Readonly<Record<string, string>>;
    readonly traceId: string | null;
  }): Promise<Page>;
  /** For whoever has neither link nor key. */
  nobody(id: string): Page;
}

export interface DeskNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly approvals: Approvals;
  readonly links: ApprovalLinks;
  readonly editing: Editing;
  /** Whether a stop of level seal keeps this person out. */
  readonly isLockedOut: (tenant: string, person: string) => Promise<boolean>;
}

const CHOICES: readonly string[] = ['15m', '1h', '8h', '1d'];

export function createDesk(needs: DeskNeeds): ApprovalDesk {
  const { store, clock, approvals, links, isLockedOut } = needs;
  const edits = createEditDesk(needs.editing);

  async function page(
    tenant: string,
    id: string,
    { reader, notice, status }: Pick<PageNeeds, 'reader' | 'notice'> & { readonly status: number },
  ): Promise<Page> {
    const nowMs = clock.nowMs();
    const of = await store.withTenant(tenant, (tx) => readCase(tx, tenant, { id, nowMs }));
    if (of === null) return note(404, 'There is no such approval', ['It may belong to somebody else.']);
    return { status, html: renderPage({ of, reader, nowMs, notice }) };
  }

  /** Who holds the token, or the page that says why it opens nothing. */
  async function holderOf(id: string, token: string): Promise<LinkHolder | Page> {
    const holder = links.verify(token);
    if (holder === null || holder.approvalId !== id)
      return note(403, 'This link is not valid', [
        'It was changed on its way, or it is for something else. Open it from the message itself, or decide with the command line: mandate inbox.',
      ]);
    if (await isLockedOut(holder.tenant, `user:${holder.user}`))
      return note(403, 'Everything is sealed', [
        'A stop of level seal is in force: nothing is decided until somebody who may lift it does.',
      ]);
    if (holder.expiresMs > clock.nowMs()) return holder;
    const found = await approvals.find(holder.tenant, id);
    const isPending = found === null || found.status === 'pending' || found.status === 'expired';
    return note(410, 'This link has ended', [
      isPending
        ? 'Nobody decided in time. Whoever needs it has to ask again.'
        : `The approval is ${found.status}.`,
    ]);
  }

  async function readerOf(
    { tenant, approvalId, user, roles }: LinkHolder,
    token: string,
    typed: EditDraft | null = null,
  ): Promise<Reader> {
    const { rememberMaxMs } = await approvals.settingsOf(tenant);
    const found = await approvals.find(tenant, approvalId);
    const narrowed = { person: `user:${user}`, within: roles };
    const voters = found === null ? [] : await approvals.votersOf(tenant, found, narrowed);
    if (found !== null && found.votes.some((vote) => vote.by === `user:${user}`))
      return { kind: 'reader', why: `You have voted, ${user}; others still have to.` };
    if (!voters.some(({ id }) => id === `user:${user}`))
      return {
        kind: 'reader',
        why: `This is not for ${user} to decide. ${voters.length === 0 ? 'Nobody is known who could.' : `Who could: ${voters.map(({ as }) => as).join('; ')}.`}`,
      };
    const remember =
      found?.subject === 'action'
        ? CHOICES.filter((each) => (rememberMsOf(each) ?? Infinity) <= rememberMaxMs)
        : [];
    const draft = typed ?? (found === null ? null : draftOf(found));
    return { kind: 'voter', name: user, token, remember, draft };
  }

  /** The two steps of editing, and the way back from the first. */
  async function editedBy(
    holder: LinkHolder,
    {
      token,
      form,
      traceId,
    }: Pick<Parameters<ApprovalDesk['decide']>[0], 'form' | 'traceId'> & { token: string },
  ): Promise<Page> {
    const { tenant, approvalId: id, user, roles } = holder;
    const reader = await readerOf(holder, token);
    const approval = await approvals.find(tenant, id);
    const isOpen = form['decision'] !== 'look' && approval?.status === 'pending' && reader.kind === 'voter';
    if (!isOpen) {
      const text = 'Nothing was decided: this cannot be edited any more, or not by you.';
      const isLook = form['decision'] === 'look';
      return page(tenant, id, {
        reader,
        notice: isLook ? null : { tone: 'bad', text },
        status: isLook ? 200 : 409,
      });
    }
    const voter: Voting = { id: `user:${user}`, roles: null, within: roles };
    const request = { tenant, approval, form, voter, name: user, token, traceId };
    const answer = await (form['decision'] === 'edit' ? edits.edit(request) : edits.compare(request));
    switch (answer.kind) {
      case 'page':
        return answer;
      case 'back':
        return page(tenant, id, {
          reader: await readerOf(holder, token, answer.draft),
          notice: { tone: 'bad', text: answer.why },
          status: answer.status,
        });
      case 'edited': {
        const { approval: made, missing } = answer;
        // What was made of it is a question of its own, for the same person with no more roles than before.
        const next = { tenant, approvalId: made.id, user, expiresMs: Date.parse(made.expiresAt), roles };
        const text = `This is what you let run instead. ${missing ?? 'It is approved.'}`;
        return page(tenant, made.id, {
          reader: await readerOf(next, links.tokenFor(next)),
          notice: { tone: 'good', text },
          status: 200,
        });
      }
    }
  }

  return {
    async openByLink({ id, token, isLooking }) {
      const holder = await holderOf(id, token);
      if ('html' in holder) return holder;
      const { tenant, user } = holder;
      if (isLooking) await approvals.shown(tenant, { ids: [id], person: `user:${user}`, channel: 'page' });
      return page(tenant, id, { reader: await readerOf(holder, token), notice: null, status: 200 });
    },

    async openByKey({ id, principal }) {
      const { tenant, roles } = principal;
      const found = await approvals.find(tenant, id);
      if (found === null) return note(404, 'There is no such approval', ['It may belong to somebody else.']);
      await approvals.shown(tenant, { ids: [id], person: principal.id, channel: 'page' });
      const user = personBehind(principal);
      const why = isPermitted(principal, 'approvals.decide')
        ? `${principal.id} names no person, so it decides on the command line: mandate approve ${id}`
        : 'This key may read approvals and decide none: open this page with one that may (approvals.decide).';
      if (user === null || !isPermitted(principal, 'approvals.decide'))
        return page(tenant, id, { reader: { kind: 'reader', why }, notice: null, status: 200 });
      // The key may no longer stand, or less of it, when the form comes back: then its roles are asked again.
      const holder = { tenant, approvalId: id, user, expiresMs: Date.parse(found.expiresAt), roles };
      const reader = await readerOf(holder, links.tokenFor(holder));
      return page(tenant, id, { reader, notice: null, status: 200 });
    },

    async decide({ id, form, traceId }) {
      const token = form['t'] ?? '';
      const holder = await holderOf(id, token);
      if ('html' in holder) return holder;
      const { tenant, user, roles } = holder;
      const { decision } = form;
      if (decision === 'compare' || decision === 'edit' || decision === 'look')
        return editedBy(holder, { token, form, traceId });
      if (decision !== 'approve' && decision !== 'deny')
        return page(tenant, id, {
          reader: await readerOf(holder, token),
          notice: { tone: 'bad', text: 'Nothing was decided: choose Approve or Deny.' },
          status: 422,
        });
      const reason = reasonField.safeParse((form['reason'] ?? '').trim());
      const remember = rememberField.safeParse(form['remember'] ?? '');
      const voter: Voting = { id: `user:${user}`, roles: null, within: roles };
      const answer = await approvals.vote({
        tenant,
        approvalId: id,
        decision,
        digest: form['digest'] ?? '',
        reason: reason.success ? reason.data : null,
        rememberMs: decision === 'approve' && remember.success ? rememberMsOf(remember.data) : null,
        voter,
        channel: 'page',
        traceId,
      });
      if (answer.kind === 'refused')
        return page(tenant, id, {
          reader: await readerOf(holder, token),
          notice: { tone: 'bad', text: `Your vote was not taken. ${answer.refusal.detail}` },
          status: PROBLEMS[answer.refusal.code].status,
        });
      const said = decision === 'approve' ? 'You have approved it.' : 'You have denied it.';
      return page(tenant, id, {
        reader: await readerOf(holder, token),
        notice: { tone: 'good', text: answer.missing === null ? said : `${said} ${answer.missing}` },
        status: 200,
      });
    },

    nobody: (id) => ({
      status: 401,
      html: renderKeyForm('Who are you?', {
        path: `/approvals/${id}`,
        sentences: [
          'Open this page with the link that was sent to you, or with your key:',
          `On the command line: mandate inbox shows what waits, and mandate approve ${id} decides this one.`,
        ],
      }),
    }),
  };
}

/** The person whom the key makes somebody: none for machines, and for what came with a grant. */
function personBehind({ id, user, delegation }: Principal): string | null {
  return delegation === null && user !== null && id === `user:${user.id}` ? user.id : null;
}

function note(status: number, title: string, sentences: readonly string[]): Page {
  return { status, html: renderNote(title, sentences) };
}

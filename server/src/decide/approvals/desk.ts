// Behind the approval page: who holds the link, what they may do with it, and their vote. It answers with whole pages, so
// that whoever mounts it needs to know nothing of approvals.
import type { Clock } from '../../platform/clock/clock.ts';
import { reasonField } from '../../platform/http/fields.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { isPermitted } from '../../platform/identity/roles.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { Approvals, Voting } from './approvals.ts';
import { readCase } from './case.ts';
import type { ApprovalLinks, LinkHolder } from './link.ts';
import { renderNote, renderPage } from './page.ts';
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
  nobody(): Page;
}

export interface DeskNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly approvals: Approvals;
  readonly links: ApprovalLinks;
  /** Whether a stop of level seal keeps this person out. */
  readonly isLockedOut: (tenant: string, person: string) => Promise<boolean>;
}

const CHOICES: readonly string[] = ['15m', '1h', '8h', '1d'];

export function createDesk({ store, clock, approvals, links, isLockedOut }: DeskNeeds): ApprovalDesk {
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

  async function readerOf({ tenant, approvalId, user, roles }: LinkHolder, token: string): Promise<Reader> {
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
    return { kind: 'voter', name: user, token, remember };
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
          status: answer.refusal.code === 'throttled' ? 429 : answer.refusal.code === 'forbidden' ? 403 : 409,
        });
      const said = decision === 'approve' ? 'You have approved it.' : 'You have denied it.';
      return page(tenant, id, {
        reader: await readerOf(holder, token),
        notice: { tone: 'good', text: answer.missing === null ? said : `${said} ${answer.missing}` },
        status: 200,
      });
    },

    nobody: () =>
      note(401, 'Who are you?', [
        'Open this page with the link that was sent to you, or with a key (Authorization: Bearer …).',
        'On the command line: mandate inbox shows what waits, and mandate approve decides it.',
      ]),
  };
}

/** The person whom the key makes somebody: none for machines, and for what came with a grant. */
function personBehind({ id, user, delegation }: Principal): string | null {
  return delegation === null && user !== null && id === `user:${user.id}` ? user.id : null;
}

function note(status: number, title: string, sentences: readonly string[]): Page {
  return { status, html: renderNote(title, sentences) };
}

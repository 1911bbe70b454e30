// A press on a button becomes a vote of a person: known by the contacts of the charter, entitled as if they had voted
// anywhere else, and taken once. Whatever stands against it, the person is told why and what to do next.
import type { ChannelKind } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { sha256Hex } from '../../platform/crypto/hash.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { AskedApproval } from './asked.ts';
import type { Buttons, Verdict } from './button.ts';
import { claimPress, settlePress } from './press-store.ts';
import type { NotifyCharter } from './settings.ts';

export type ChatKind = Extract<ChannelKind, 'slack' | 'telegram' | 'whatsapp'>;

/** A press whose sender has been proven by the provider. */
export interface Press {
  readonly tenant: string;
  readonly kind: ChatKind;
  /** Channels of that kind whose secret has proven it. */
  readonly channels: readonly string[];
  /** The provider's own id of this press. */
  readonly id: string;
  /** Whom the provider names: a Slack member, a Telegram user, a telephone number in digits. */
  readonly sender: string;
  /** What the button carried. */
  readonly value: string;
  readonly traceId: string | null;
}

/** What is said to whoever pressed, and how the message looks from now on. */
export interface Pressed {
  readonly said: string;
  /** The vote stands, by this press. */
  readonly isCounted: boolean;
  /** As it stands now; null where the button is about nothing that we know. */
  readonly asked: AskedApproval | null;
  /** For whom the buttons of the message were made. */
  readonly holder: string | null;
  /** A page of this person's own, where opening it is the next step. */
  readonly link: string | null;
}

export interface Cast {
  readonly tenant: string;
  readonly approvalId: string;
  readonly digest: string;
  readonly decision: Verdict;
  /** Without `user:`. */
  readonly user: string;
  readonly channel: ChatKind;
  readonly traceId: string | null;
}

export type CastAnswer =
  | { readonly kind: 'voted'; readonly missing: string | null }
  | { readonly kind: 'refused'; readonly detail: string };

export interface PressNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly buttons: Buttons;
  readonly charterOf: (tenant: string) => Promise<NotifyCharter | null>;
  readonly ask: (tenant: string, approvalId: string) => Promise<AskedApproval | null>;
  /** A vote by the rules in force, to be cast in a transaction. */
  readonly ballotOf: (tenant: string) => Promise<(tx: Tx, cast: Cast) => Promise<CastAnswer>>;
  /** Whether a stop of level seal keeps this person out. */
  readonly isLockedOut: (tenant: string, user: string) => Promise<boolean>;
  readonly linkFor: (of: {
    readonly tenant: string;
    readonly approvalId: string;
    readonly user: string;
  }) => Promise<string>;
}

export function createPresses(needs: PressNeeds): (press: Press) => Promise<Pressed> {
  const { store, clock, buttons } = needs;

  return async (press) => {
    const { tenant, kind, sender } = press;
    const charter = await needs.charterOf(tenant);
    if (charter === null)
      return refused('The charter in force cannot be read, so nothing is decided. Try again in a minute.');
    const user = personBehind(charter, press);
    if (user === null)
      return refused(
        `I do not know who you are here, so nothing was decided. An admin writes contacts: { ${kind}: '${sender}' } under your name in the charter's users.`,
      );
    if (await needs.isLockedOut(tenant, user))
      return refused(
        'Everything is sealed by a stop: nothing is decided until somebody who may lift it does (mandate resume).',
      );
    const button = buttons.read(press.value, { tenant, user });
    const asked = button === null ? null : await needs.ask(tenant, button.approvalId);
    if (button === null || asked === null)
      return refused(
        'This button is none of mine, or it was made for somebody else. Nothing was decided; mandate inbox shows what waits for you.',
      );
    const cast: Cast = {
      tenant,
      approvalId: asked.id,
      digest: asked.digest,
      decision: button.decision,
      user,
      channel: kind,
      traceId: press.traceId,
    };
    const taken = button.isFor(asked.digest)
      ? await take(press, cast)
      : {
          said: 'What waits has changed since this was shown. Read the new message, and decide that one.',
          isCounted: false,
        };
    const now = (await needs.ask(tenant, asked.id)) ?? asked;
    const link =
      taken.isCounted || !now.isOpen ? null : await needs.linkFor({ tenant, approvalId: asked.id, user });
    // Whoever comes second is told who came first.
    const decided = taken.isCounted || now.isOpen || now.decided === null ? '' : ` ${now.decided}`;
    return { ...taken, said: `${taken.said}${decided}`, asked: now, holder: button.user, link };
  };

  /** Claim, vote and answer in one transaction: a press that was taken before finds what was said to it then. */
  async function take({ kind, id }: Press, cast: Cast): Promise<Pick<Pressed, 'said' | 'isCounted'>> {
    const { tenant, approvalId, user, decision } = cast;
    const vote = await needs.ballotOf(tenant);
    return store.withTenant(tenant, async (tx) => {
      const press = { kind, id: sha256Hex(id), approvalId, user, decision, nowMs: clock.nowMs() };
      const earlier = await claimPress(tx, tenant, press);
      if (earlier !== null)
        return {
          said: `This press was taken before, and nothing was done again. ${earlier}`,
          isCounted: false,
        };
      const answer = await vote(tx, cast);
      const settled =
        answer.kind === 'voted'
          ? { said: votedText(decision, answer.missing), isCounted: true }
          : { said: `Your vote was not taken. ${answer.detail}`, isCounted: false };
      await settlePress(tx, tenant, { ...press, ...settled });
      return settled;
    });
  }
}

function votedText(decision: Verdict, missing: string | null): string {
  const said = decision === 'approve' ? 'You have approved it.' : 'You have denied it.';
  return missing === null ? said : `${said} ${missing}`;
}

/**
 * The person whose contact this is: by the name of a channel that proved the press, or by kind where it is the first
 * channel of that kind, just as messages are addressed. null for nobody, and for more than one: then nobody is proven.
 */
function personBehind(charter: NotifyCharter, { kind, channels, sender }: Press): string | null {
  const first = Object.entries(charter.notify.channels).find(([, setting]) => setting.kind === kind)?.[0];
  const names: readonly string[] = [
    ...channels,
    ...(first !== undefined && channels.includes(first) ? [kind] : []),
  ];
  const people = Object.entries(charter.users).filter(([, { contacts = {} }]) =>
    names.some((name) => Object.hasOwn(contacts, name) && isSame(contacts[name] ?? '', sender, kind)),
  );
  const [only, another] = people;
  return only === undefined || another !== undefined ? null : only[0];
}

function isSame(contact: string, sender: string, kind: ChatKind): boolean {
  return sender !== '' && (kind === 'whatsapp' ? contact.replaceAll(/\D/g, '') : contact) === sender;
}

function refused(said: string): Pressed {
  return { said, isCounted: false, asked: null, holder: null, link: null };
}

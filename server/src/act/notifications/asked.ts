// An approval as people see it in a chat: everything that its digest stands for, or the button to approve it is missing.
// Nobody approves by a button what the message above it did not show.
import type { Json } from '@mandate/kernel';
import { plain } from './document.ts';
import { momentText } from './quiet.ts';

/** An approval as it stands now, handed in by whoever knows approvals. */
export interface AskedApproval {
  readonly id: string;
  readonly digest: string;
  /** `deploy.production by builder-1` */
  readonly title: string;
  /** Empty where it concerns no agent. */
  readonly agent: string;
  readonly action: string;
  /** Redacted: all that is to be approved. */
  readonly display: Json;
  readonly requester: string;
  /** Why people are asked, a sentence each. */
  readonly why: readonly string[];
  /** Who has to say yes: `tech-lead and ops-lead, 2 people in all` */
  readonly needs: string;
  readonly expiresMs: number;
  /** It waits, and its time is not over. */
  readonly isOpen: boolean;
  /** Who has said what, and what came of it; null where nobody has said anything. */
  readonly decided: string | null;
}

/** The facts of an approval, in the order in which they are read. */
export interface Facts {
  readonly lines: readonly (readonly [name: string, value: string])[];
  /** What is to be approved, as a text of several lines. */
  readonly whole: string;
  /** Ids, for whoever looks further. */
  readonly small: string;
}

const WHY_MAX = 5;
const DIGEST_SHOWN = 12;

export function factsOf(asked: AskedApproval, zone: string): Facts {
  const { action, agent, requester, why, needs, expiresMs, display, digest, id } = asked;
  const left = why.length - WHY_MAX;
  return {
    lines: [
      ['Action', plain(agent === '' ? action : `${action} by ${agent}`, 200)],
      ...why.slice(0, WHY_MAX).map((each): readonly [string, string] => ['Why', plain(each, 300)]),
      ...(left > 0 ? [['Why', `and ${left} more`] as const] : []),
      ['Asked by', plain(requester, 120)],
      ['Decides', plain(needs, 200)],
      ['Until', `${momentText(expiresMs, zone)} (${zone})`],
    ],
    whole: wholeOf(display),
    small: `digest ${digest.slice(0, DIGEST_SHOWN)} · approval ${id}`,
  };
}

/** Line breaks are ours; whatever else could deceive the eye is written as what it is. */
function wholeOf(display: Json): string {
  const lines = JSON.stringify(display, null, 2).split('\n');
  return lines.map(spelled).join('\n');
}

const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu;

function spelled(line: string): string {
  return line.replace(DECEPTIVE, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `text` as far as it fits in `max` UTF-16 units, without half a character at its end. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max < 1) return '';
  const end = max - 1;
  const unit = text.charCodeAt(end - 1);
  return `${text.slice(0, unit >= 0xd800 && unit <= 0xdbff ? end - 1 : end)}…`;
}

/** Whole lines as far as they fit, and how many were left out: nobody should take a part for everything. */
export function cutLines(text: string, max: number): string {
  if (text.length <= max) return text;
  const lines = text.trimEnd().split('\n');
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    if (length + line.length + 1 > max - LEFT_OUT_MAX) break;
    kept.push(line);
    length += line.length + 1;
  }
  const left = lines.slice(kept.length).filter((line) => line.trim() !== '').length;
  return `${kept.join('\n').trimEnd()}\n${leftOut(left)}`;
}

const LEFT_OUT_MAX = 100;

/** Said wherever a chat has no room for all of a message. */
export function leftOut(lines: number): string {
  return `… and ${lines} more ${lines === 1 ? 'line' : 'lines'}; the journal has all of it (mandate audit search).`;
}

/** The same as one plain text, for chats that have no form of their own. `isWhole` is false where something had to go. */
export function askedText(
  {
    heading,
    asked,
    zone,
  }: { readonly heading: string; readonly asked: AskedApproval; readonly zone: string },
  { link, max }: { readonly link: string | null; readonly max: number },
): { readonly text: string; readonly isWhole: boolean } {
  const facts = factsOf(asked, zone);
  const bottom = [
    '',
    ...(asked.decided === null ? [] : [cut(asked.decided, BOTTOM_MAX), '']),
    ...(link === null ? [] : [`Look at it and decide: ${link}`]),
    facts.small,
  ].join('\n');
  const all = [heading, '', ...facts.lines.map(([name, value]) => `${name}: ${value}`), ''].join('\n');
  const top = cut(all, max - bottom.length - NOT_ALL.length - 2);
  const room = max - top.length - bottom.length - 2;
  const isWhole = top === all && facts.whole.length <= room;
  const shown = isWhole ? facts.whole : `${cut(facts.whole, room - NOT_ALL.length - 1)}\n${NOT_ALL}`;
  return { text: `${top}\n${shown}\n${bottom}`, isWhole };
}

const NOT_ALL = '(not all of it fits here)';
const BOTTOM_MAX = 300;

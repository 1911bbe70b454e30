// What waits for people and is no act: who asks, and what would happen, written out line by line. A title alone lets
// nobody decide, and data as one line of JSON is read by nobody.
import type { Json } from '@mandate/kernel';
import { linesOf } from '../../platform/http/lines.ts';
import { plain } from './document.ts';
import type { Block } from './document.ts';
import type { ApprovalContent } from './message.ts';

/** `builder-1 wants to deploy to production`, `user:ada asks people to decide: Raise shop from L1 to L2`. */
export function askingOf({ agent, words, requester, actId }: ApprovalContent): string {
  if (actId !== null && agent !== null) return `${plain(agent, 80)} wants to ${words}`;
  return requester === undefined
    ? `People are asked to decide: ${words}`
    : `${plain(requester, 80)} asks people to decide: ${words}`;
}

const LINES_MAX = 24;

/** What voters are shown, a line for each name; the page has what does not fit. */
export function displayed(display: Json | undefined): readonly Block[] {
  if (display === undefined) return [];
  const lines = linesOf(display);
  const more = lines.length - LINES_MAX;
  return [
    ...lines
      .slice(0, LINES_MAX)
      .map((line): Block => ({ kind: 'text', text: plain(line, 400), muted: false })),
    ...(more > 0
      ? [{ kind: 'text', text: `${more} more lines stand on the page.`, muted: true } as const]
      : []),
  ];
}

// What people are told of a weekly report: what was decided and why, what is to be done, and where to read it all. The
// journal's entry says it, so no message ever says anything else than what is on record.
import { plain } from './document.ts';
import type { Block, Document } from './document.ts';
import type { ReportContent } from './message.ts';
import { wordOf } from './told.ts';
import type { ToldEntry } from './told.ts';

/** null for every other entry. */
export function reportOf({ kind, data, atMs, traceId }: ToldEntry): ReportContent | null {
  if (kind !== 'governance.cycle_completed') return null;
  const say = (name: string): string => wordOf(data[name]);
  return {
    kind: 'report',
    reportId: say('report'),
    set: say('set'),
    week: say('week'),
    summary: say('summary'),
    target: typeof data['target'] === 'string' ? data['target'] : null,
    reasons: textsOf(data['reasons']),
    nextSteps: textsOf(data['nextSteps']),
    sha256: say('sha256'),
    auditRoot: say('auditRoot'),
    positions: { first: positionOf(data['firstPosition']), last: positionOf(data['lastPosition']) },
    atMs,
    traceId,
  };
}

const LISTED_MAX = 8;

export function reportDocument(content: ReportContent, url: string): Document {
  const { set, week, summary, target, reasons, nextSteps, sha256, auditRoot, positions, traceId } = content;
  const { first, last } = positions;
  const entries = first === null || last === null ? '' : ` (journal ${first} to ${last})`;
  return {
    subject: `Mandate: ${plain(set, 80)} ${week}: ${target === null ? 'no phase proposed' : `${plain(target, 40)} proposed`}`,
    blocks: [
      heading(`Governance report ${week}: ${plain(set, 80)}`),
      text(plain(summary, 600)),
      ...listed('Why no next phase is proposed', reasons),
      ...listed('Next steps', nextSteps),
      { kind: 'button', label: 'Read the report', url },
      text(`Audit root ${auditRoot}${entries}`, true),
      text(`SHA-256 of the report ${sha256}${traceId === null ? '' : ` · trace ${traceId}`}`, true),
    ],
  };
}

function listed(title: string, items: readonly string[]): readonly Block[] {
  if (items.length === 0) return [];
  const more = items.length - LISTED_MAX;
  return [
    text(title, true),
    ...items
      .slice(0, LISTED_MAX)
      .map((item): Block => ({ kind: 'item', text: plain(item, 500), note: null, url: null, tone: 'plain' })),
    ...(more > 0 ? [text(`${more} more stand in the report.`, true)] : []),
  ];
}

function heading(words: string): Block {
  return { kind: 'heading', text: words };
}

function text(words: string, muted = false): Block {
  return { kind: 'text', text: words, muted };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(wordOf) : [];
}

function positionOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

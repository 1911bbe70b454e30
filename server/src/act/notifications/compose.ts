// Writes messages for people: what matters first, one line for each thing, and under it where to look further. The
// subject alone should say whether the phone has to be picked up.
import { clockText, momentText } from './quiet.ts';
import { plain } from './document.ts';
import type { Block, Document, Tone } from './document.ts';
import { askingOf, displayed } from './subject-words.ts';
import type {
  ActLine,
  AgentSummary,
  Content,
  DigestContent,
  EventLine,
  Outcome,
  TrustChange,
} from './message.ts';
import { reportDocument } from './report.ts';
import { scoreText, usdText } from './words.ts';

export interface ComposeNeeds {
  /** The zone in which times are written. */
  readonly zone: string;
  /** Where an act is looked at. */
  readonly actUrl: (actId: string) => string;
  /** Where an incident is looked at. */
  readonly incidentUrl: (incidentId: string) => string;
  /** Where a report is read. */
  readonly reportUrl: (reportId: string) => string;
  /** Where the approval is decided; null where the content is about none. */
  readonly approvalUrl: string | null;
  /** An earlier try may have arrived. */
  readonly sentAgain: boolean;
  readonly id: string;
}

const SUBJECT_MAX = 140;

export function compose(content: Content, needs: ComposeNeeds): Document {
  const { subject, blocks } = documentOf(content, needs);
  const again: readonly Block[] = needs.sentAgain
    ? [
        text(
          `Sent again: it is not known whether the first copy arrived. Both have the message id ${needs.id}.`,
          true,
        ),
      ]
    : [];
  return { subject: plain(subject, SUBJECT_MAX), blocks: [...again, ...blocks] };
}

function documentOf(content: Content, needs: ComposeNeeds): Document {
  switch (content.kind) {
    case 'digest':
      return digest(content, needs);
    case 'approval': {
      const { agent, words, requiredRoles, quorum, reasons, traceId } = content;
      const who = agent === null ? '' : ` (${plain(agent, 80)})`;
      const roles = requiredRoles.length === 0 ? 'any approver' : requiredRoles.join(' and ');
      const people = quorum > 1 ? `, ${quorum} people` : '';
      return {
        subject: `Mandate: approval needed${who}: ${words}`,
        blocks: [
          heading(askingOf(content)),
          ...(content.escalated ? [text('Nobody has decided in time, so it is your turn now.')] : []),
          text(`Waits for ${roles}${people}, until ${momentText(content.expiresMs, needs.zone)}.`),
          ...reasons.slice(0, 5).map((reason) => text(plain(reason))),
          ...parametersOf(content.parameters),
          ...displayed(content.display),
          ...(needs.approvalUrl === null ? [] : [button('Look at it and decide', needs.approvalUrl)]),
          text(trace(content.action, traceId), true),
        ],
      };
    }
    case 'act': {
      const { agent, line, trust } = content;
      return {
        subject: `Mandate: ${plain(agent, 80)} ${headlineOf(line)}${trust === null ? '' : `; ${trustText(trust)}`}`,
        blocks: [itemOf(line, needs, line.atMs), ...trustBlocks(trust)],
      };
    }
    case 'event': {
      const { event } = content;
      return {
        subject: `Mandate: ${event.text}`,
        blocks: [
          heading(plain(event.text)),
          ...(event.more ?? []).map((line) => text(plain(line, 500))),
          ...(event.incidentId === undefined
            ? []
            : [button('Look at the incident', needs.incidentUrl(event.incidentId))]),
          ...(event.actId === undefined ? [] : [button('Look at the act', needs.actUrl(event.actId))]),
          text(trace(event.kind, event.traceId), true),
        ],
      };
    }
    case 'report':
      return reportDocument(content, needs.reportUrl(content.reportId));
    case 'test':
      return {
        subject: 'Mandate: a test message',
        blocks: [
          heading('This channel works'),
          text(`${plain(content.by, 80)} asked for this message on ${momentText(content.atMs, needs.zone)}.`),
        ],
      };
  }
}

function digest(content: DigestContent, needs: ComposeNeeds): Document {
  const { agents, events, fromMs, toMs, continues } = content;
  const [only, ...others] = agents;
  const period = `${momentText(fromMs, needs.zone)} to ${clockText(toMs, needs.zone, fromMs)} (${needs.zone})`;
  const subject =
    only !== undefined && others.length === 0
      ? summaryOf(only)
      : agents.length === 0
        ? (events[0]?.text ?? 'nothing to tell')
        : totalsOf(agents);
  return {
    subject: `Mandate: ${subject}`,
    blocks: [
      text(`Mandate, ${period}`, true),
      ...agents.flatMap((agent) => agentBlocks(agent, needs, toMs)),
      ...(events.length === 0 ? [] : [heading('Also')]),
      ...events.map((event) => ({
        kind: 'item' as const,
        text: `${clockText(event.atMs, needs.zone, toMs)} ${plain(event.text)}`,
        note:
          [
            ...(event.more?.slice(0, 1) ?? []),
            ...(event.traceId === null ? [] : [`trace ${event.traceId}`]),
          ].join(' · ') || null,
        url: urlOf(event, needs),
        tone: isAlarm(event.kind) ? ('red' as const) : ('plain' as const),
      })),
      ...(continues ? [text('More of this time follows in the next message.', true)] : []),
    ],
  };
}

function urlOf({ incidentId, actId }: EventLine, needs: ComposeNeeds): string | null {
  if (incidentId !== undefined) return needs.incidentUrl(incidentId);
  return actId === undefined ? null : needs.actUrl(actId);
}

function isAlarm(kind: string): boolean {
  return (
    kind === 'stop.requested' ||
    kind === 'agent.frozen' ||
    kind === 'breaker.triggered' ||
    kind.startsWith('incident.')
  );
}

/** `builder-1 opened pull request #42; trust 50 → 51; 0.15 USD` */
function summaryOf({ agent, lines, green, trust, costMicroUsd }: AgentSummary): string {
  const done = lines.filter(({ outcome }) => outcome === 'success' || outcome === 'running');
  const shown = done.slice(0, 2).map(({ words }) => words);
  const more = done.length - shown.length;
  const count = (outcomes: readonly Outcome[]): number =>
    lines.filter(({ outcome }) => outcomes.includes(outcome)).reduce((sum, { times }) => sum + times, 0);
  const counted = (n: number, words: string): readonly string[] => (n === 0 ? [] : [`${n} ${words}`]);
  const greens = green.reduce((sum, { times }) => sum + times, 0);
  const parts = [
    ...(shown.length === 0 ? [] : [`${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`]),
    ...counted(count(['waiting']), 'waiting for approval'),
    ...counted(count(['failed']), 'failed'),
    ...counted(count(['unknown']), 'with unknown outcome'),
    ...counted(count(['denied']), 'denied'),
    ...counted(greens, 'green'),
    ...(trust === null ? [] : [trustText(trust)]),
    ...(costMicroUsd === 0 ? [] : [usdText(costMicroUsd)]),
  ];
  return `${plain(agent, 80)} ${parts.join('; ')}`;
}

function totalsOf(agents: readonly AgentSummary[]): string {
  const lines = agents.flatMap((agent) => agent.lines);
  const count = (...outcomes: readonly Outcome[]): number =>
    lines.filter((line) => outcomes.includes(line.outcome)).reduce((sum, { times }) => sum + times, 0);
  const cost = agents.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0);
  const parts: readonly (readonly [number, string])[] = [
    [count('waiting'), 'waiting for approval'],
    [count('failed', 'unknown'), 'failed'],
    [count('denied'), 'denied'],
    [count('success', 'running', 'recorded'), 'done'],
  ];
  return [
    `${agents.length} agents`,
    ...parts.filter(([n]) => n > 0).map(([n, words]) => `${n} ${words}`),
    ...(cost === 0 ? [] : [usdText(cost)]),
  ].join('; ');
}

const SECTIONS: readonly (readonly [string, (line: ActLine) => boolean])[] = [
  ['Waiting for approval', ({ outcome }) => outcome === 'waiting'],
  ['Failed', ({ outcome }) => outcome === 'failed' || outcome === 'unknown'],
  ['Yellow', ({ tier, outcome }) => tier === 'yellow' && isQuiet(outcome)],
  ['Red', ({ tier, outcome }) => tier === 'red' && isQuiet(outcome)],
  ['Green', ({ tier, outcome }) => tier === 'green' && isQuiet(outcome)],
  ['Denied', ({ outcome }) => outcome === 'denied'],
];

/** Neither a failure nor something that has a section of its own. */
function isQuiet(outcome: Outcome): boolean {
  return outcome !== 'waiting' && outcome !== 'failed' && outcome !== 'unknown' && outcome !== 'denied';
}

function agentBlocks(agent: AgentSummary, needs: ComposeNeeds, toMs: number): readonly Block[] {
  return [
    heading(summaryOf(agent)),
    ...SECTIONS.flatMap(([title, belongs]) => {
      const lines = agent.lines.filter(belongs);
      return lines.length === 0 ? [] : [text(title, true), ...lines.map((line) => itemOf(line, needs, toMs))];
    }),
    ...(agent.green.length === 0
      ? []
      : [
          text(
            `Green: ${agent.green.map(({ action, times }) => (times === 1 ? action : `${action} ×${times}`)).join(', ')}`,
          ),
        ]),
    ...trustBlocks(agent.trust),
  ];
}

function itemOf(
  line: ActLine,
  { zone, actUrl }: Pick<ComposeNeeds, 'zone' | 'actUrl'>,
  dayMs: number,
): Block {
  const { words, outcome, why, costMicroUsd, tier, actId, traceId, times, action, atMs } = line;
  const extras = [
    OUTCOMES[outcome],
    ...(costMicroUsd === 0 ? [] : [usdText(costMicroUsd)]),
    ...(times === 1 ? [] : [`${times} times`]),
  ];
  return {
    kind: 'item',
    text: `${clockText(atMs, zone, dayMs)} ${words}: ${extras.join(', ')}${why === null ? '' : `. ${plain(why)}`}`,
    note: trace(tier === null ? action : `${action}, ${tier}`, traceId),
    url: actId === null ? null : actUrl(actId),
    tone: toneOf(line),
  };
}

function toneOf({ tier, outcome }: ActLine): Tone {
  if (outcome === 'failed' || outcome === 'unknown' || outcome === 'waiting' || tier === 'red') return 'red';
  if (tier === 'black' || outcome === 'denied') return 'black';
  return tier === 'yellow' ? 'yellow' : 'plain';
}

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  success: 'done',
  failed: 'failed',
  denied: 'denied',
  waiting: 'waits for approval',
  cancelled: 'cancelled',
  expired: 'expired, nobody approved it',
  unknown: 'outcome unknown',
  running: 'under way',
  recorded: 'dry run',
};

function headlineOf({ words, outcome }: ActLine): string {
  return outcome === 'success' ? words : `${words}: ${OUTCOMES[outcome]}`;
}

function trustBlocks(trust: TrustChange | null): readonly Block[] {
  if (trust === null) return [];
  const causes = trust.causes.map(({ cause, times }) => (times === 1 ? cause : `${cause} (×${times})`));
  const text = trustText(trust);
  return [
    {
      kind: 'text',
      text: `${text.charAt(0).toUpperCase()}${text.slice(1)}: ${plain(causes.join('; '), 500)}`,
      muted: true,
    },
  ];
}

function trustText({ before, after }: TrustChange): string {
  return `trust ${scoreText(before)} → ${scoreText(after)}`;
}

function parametersOf(parameters: unknown): readonly Block[] {
  const shown = JSON.stringify(parameters) ?? '';
  return shown === '' || shown === '{}' || shown === 'null' ? [] : [text(plain(shown, 500), true)];
}

function trace(what: string, traceId: string | null): string {
  return traceId === null ? plain(what, 160) : `${plain(what, 160)} · trace ${traceId}`;
}

function heading(text: string): Block {
  return { kind: 'heading', text };
}

function text(text: string, muted = false): Block {
  return { kind: 'text', text, muted };
}

function button(label: string, url: string): Block {
  return { kind: 'button', label, url };
}

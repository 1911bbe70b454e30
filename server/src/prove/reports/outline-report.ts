// Puts a report into words: the decision first, then what it stands on, then what is to be done, and last by what it can
// be checked.
import type { CommandTypeMetrics, GovernanceMetrics, GovernanceReport, PhaseProposal } from '@mandate/kernel';
import type { Cell, Column, Outline, Part } from './outline.ts';
import { changeText, counted, decisionText, momentText, NOTHING, percentText } from './words.ts';

/** A report with its digest. */
export interface FiledReport {
  readonly report: GovernanceReport;
  /** SHA-256 (hex) of its canonical JSON. */
  readonly sha256: string;
}

export function outlineReport({ report, sha256 }: FiledReport): Outline {
  const { period, timeZone, createdAt, createdBy } = report;
  return {
    title: `Governance report ${report.week}: ${report.set}`,
    subtitle: `${momentText(period.start, timeZone)} to ${momentText(period.end, timeZone)} (${timeZone}). Written ${momentText(createdAt, timeZone)} by ${createdBy}.`,
    parts: [
      ...decisionParts(report),
      ...phaseParts(report),
      ...metricParts(report),
      ...commandParts(report.commandTypes, report.omitted.commandTypes),
      ...readinessParts(report),
      ...eventParts(report),
      ...(report.proposal === null ? [] : proposalParts(report.proposal, report)),
      heading('Next steps'),
      report.nextSteps.length === 0 ? text('Nothing is to be done.') : list(report.nextSteps),
      ...auditParts(report, sha256),
    ],
  };
}

function decisionParts(report: GovernanceReport): readonly Part[] {
  const { decision } = report;
  const more = decision.kind === 'stay' ? decision.reasons.map((reason) => reason.text) : [];
  const tone = decision.kind === 'propose' ? 'good' : 'plain';
  return [heading('Decision'), { kind: 'note', tone, text: decisionText(report), more }];
}

function phaseParts({ phase, timeZone }: GovernanceReport): readonly Part[] {
  const until = (iso: string | null, words: string): readonly (readonly [string, string])[] =>
    iso === null ? [] : [[words, `until ${momentText(iso, timeZone)}`]];
  return [
    heading('Phase'),
    facts([
      ['Phase', `${phase.name} ${phase.title} (${phase.step} of ${phase.steps})`],
      ['Since', `${momentText(phase.since, timeZone)} (${counted(phase.days, 'day')})`],
      ...until(phase.validationUntil, 'Validation'),
      ...until(phase.stabilizationUntil, 'Stabilisation'),
      ['Runs without asking', phase.whitelist.length === 0 ? 'nothing' : phase.whitelist.join(', ')],
    ]),
  ];
}

type Measure = readonly [string, 'count' | 'good' | 'bad', (of: GovernanceMetrics) => number | null];

const MEASURES: readonly Measure[] = [
  ['Commands ended', 'count', ({ commands }) => commands.total],
  ['Proposed to people', 'count', ({ commands }) => commands.proposed],
  ['Approved', 'count', ({ commands }) => commands.approved],
  ['Rejected', 'count', ({ commands }) => commands.rejected],
  ['Succeeded', 'count', ({ commands }) => commands.succeeded],
  ['Failed', 'count', ({ commands }) => commands.failed],
  ['Rolled back', 'count', ({ commands }) => commands.rolledBack],
  ['Success rate', 'good', ({ rates }) => rates.successRate],
  ['Approval rate', 'good', ({ rates }) => rates.approvalRate],
  ['Error rate', 'bad', ({ rates }) => rates.errorRate],
  ['Rollback rate', 'bad', ({ rates }) => rates.rollbackRate],
  ['Incidents', 'count', ({ incidents }) => incidents.total],
  ['Critical incidents', 'count', ({ incidents }) => incidents.critical],
  ['Incidents from autonomous actions', 'count', ({ incidents }) => incidents.fromAutonomousActions],
  ['Constraint violations', 'count', ({ safety }) => safety.constraintViolations],
  ['Emergency aborts', 'count', ({ safety }) => safety.emergencyAborts],
  ['Safety gate triggers', 'count', ({ safety }) => safety.safetyGateTriggers],
];

function metricParts({ metrics, previous }: GovernanceReport): readonly Part[] {
  const shown = (value: number | null, of: Measure[1]): string =>
    of !== 'count' ? percentText(value, of) : value === null ? NOTHING : String(value);
  return [
    heading('The period in figures'),
    table(
      [words('Measure'), figures('This period'), figures('Period before'), figures('Change')],
      MEASURES.map(([name, of, read]) => [
        name,
        shown(read(metrics), of),
        shown(read(previous), of),
        changeText(read(metrics), read(previous), of === 'count' ? 'count' : 'rate'),
      ]),
    ),
  ];
}

function commandParts(records: readonly CommandTypeMetrics[], omitted: number): readonly Part[] {
  if (records.length === 0) return [heading('By type of command'), text('No command ended or was proposed.')];
  return [
    heading('By type of command'),
    table(
      [
        words('Command'),
        ...['Ended', 'Proposed', 'Approved', 'Rejected', 'Succeeded', 'Failed', 'Rolled back'].map(figures),
      ],
      records.map((record) => [
        record.commandType,
        ...[record.total, record.proposed, record.approved, record.rejected, record.succeeded].map(String),
        record.failed === 0 ? '0' : { text: String(record.failed), tone: 'bad' as const },
        String(record.rolledBack),
      ]),
    ),
    ...omittedPart(omitted, 'type of command', 'types of command'),
  ];
}

function readinessParts({ readiness }: GovernanceReport): readonly Part[] {
  const { points, maxPoints, score, ready, blockers, categories, recommendations } = readiness;
  return [
    heading('Readiness'),
    facts([
      ['Score', `${points} of ${maxPoints} points (${percentText(score)})`],
      ['Ready for a next phase', ready ? 'yes' : 'no'],
    ]),
    ...(blockers.length === 0
      ? []
      : [
          {
            kind: 'note' as const,
            tone: 'bad' as const,
            text: `${counted(blockers.length, 'required item')} in the way:`,
            more: blockers,
          },
        ]),
    ...categories
      .filter(({ items }) => items.length > 0)
      .flatMap(({ name, score: reached, maxScore, items }) => [
        subheading(`${upper(name)}: ${reached} of ${maxScore} points`),
        table(
          [{ text: 'Item', kind: 'subject' }, figures('Points'), words('Status'), words('Why')],
          items.map((item) => [
            item.required ? `${item.name} (required)` : item.name,
            String(item.weight),
            { text: item.status, tone: item.status === 'met' ? ('good' as const) : ('bad' as const) },
            item.details,
          ]),
        ),
      ]),
    ...(recommendations.length === 0 ? [] : [subheading('Worth doing besides'), list(recommendations)]),
  ];
}

function eventParts(report: GovernanceReport): readonly Part[] {
  const { breakers, incidents, objectives, omitted, timeZone } = report;
  const ended = (at: string | null, by: string | null): Cell =>
    at === null
      ? { text: 'open', tone: 'bad' }
      : `${momentText(at, timeZone)}${by === null ? '' : ` by ${by}`}`;
  return [
    heading('Circuit breakers'),
    ...(breakers.length === 0
      ? [text('None was triggered, and none is unresolved.')]
      : [
          table(
            ['Triggered', 'Rule', 'Action', 'Severity', 'Resolved'].map(words),
            breakers.map((event) => [
              momentText(event.at, timeZone),
              event.commandType === null ? event.rule : `${event.rule} (${event.commandType})`,
              event.action,
              event.severity,
              ended(event.resolvedAt, event.resolvedBy),
            ]),
          ),
          ...omittedPart(omitted.breakers, 'event', 'events'),
        ]),
    heading('Incidents'),
    ...(incidents.length === 0
      ? [text('None was opened, and none is open.')]
      : [
          table(
            ['Opened', 'Incident', 'Severity', 'Source', 'Resolved'].map(words),
            incidents.map((incident) => [
              momentText(incident.openedAt, timeZone),
              incident.title,
              incident.severity,
              incident.source,
              ended(incident.resolvedAt, null),
            ]),
          ),
          ...omittedPart(omitted.incidents, 'incident', 'incidents'),
        ]),
    ...(objectives.length === 0
      ? []
      : [
          heading('Service levels'),
          table(
            [
              words('Objective'),
              figures('Target'),
              figures('Reached'),
              figures('Error budget left'),
              words('Status'),
            ],
            objectives.map(({ name, target, actual, budgetLeft, status }) => [
              name,
              percentText(target),
              percentText(actual),
              percentText(budgetLeft),
              status,
            ]),
          ),
        ]),
  ];
}

function proposalParts(
  proposal: PhaseProposal & { readonly id: string },
  { timeZone }: GovernanceReport,
): readonly Part[] {
  const { risk, record } = proposal;
  return [
    heading(`Proposal: ${proposal.to} ${proposal.title}`),
    facts([
      ['Approvals', proposal.requiredApprovals.join(', ') || NOTHING],
      ['Validation', counted(proposal.validationDays, 'day')],
      ['Risk', risk.level],
      ['Proposal', proposal.id],
    ]),
    subheading('What would run without asking, and how it fared'),
    text(
      `Counted from ${momentText(record.start, timeZone)} to ${momentText(record.end, timeZone)}, over the time at ${proposal.from}.`,
    ),
    table(
      [words('Command'), ...['Proposed', 'Approved', 'Succeeded', 'Failed'].map(figures)],
      proposal.commands.map((command) => [
        command.pattern,
        ...[command.proposed, command.approved, command.succeeded, command.failed].map(String),
      ]),
    ),
    subheading('What speaks for it'),
    list(proposal.achievements),
    subheading(`Risk: ${risk.level}`),
    list(risk.reasons),
    subheading('What keeps the risk small'),
    list(risk.mitigations),
    subheading('The way back'),
    list(proposal.rollbackPlan),
  ];
}

function auditParts({ audit, id }: GovernanceReport, sha256: string): readonly Part[] {
  const { firstPosition, lastPosition, entries } = audit;
  return [
    heading('By what it can be checked'),
    facts([
      ['Report', id],
      ['SHA-256 of the report', sha256],
      ['Audit root', audit.root],
      [
        'Journal entries',
        firstPosition === null || lastPosition === null
          ? 'none'
          : `${entries}, positions ${firstPosition} to ${lastPosition}`,
      ],
    ]),
    text(
      'The audit root is the RFC 6962 tree hash over these entries. The digest of the report stands in the journal, in the entry governance.cycle_completed.',
    ),
  ];
}

function omittedPart(omitted: number, one: string, many: string): readonly Part[] {
  return omitted === 0 ? [] : [text(`${omitted} more ${omitted === 1 ? one : many} are not listed.`)];
}

function heading(words: string): Part {
  return { kind: 'heading', text: words };
}

function subheading(words: string): Part {
  return { kind: 'subheading', text: words };
}

function text(words: string): Part {
  return { kind: 'text', text: words };
}

function facts(pairs: readonly (readonly [string, string])[]): Part {
  return { kind: 'facts', facts: pairs };
}

function list(items: readonly string[]): Part {
  return { kind: 'list', items };
}

function table(head: readonly Column[], rows: readonly (readonly Cell[])[]): Part {
  return { kind: 'table', head, rows };
}

function words(name: string): Column {
  return { text: name, kind: 'words' };
}

function figures(name: string): Column {
  return { text: name, kind: 'figures' };
}

function upper(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

// The pages behind the links in messages: an act, an incident and a report as people read them, shown to whoever holds
// the link or a key that may read it.
import { findAct } from '../act/actions/queries.ts';
import type { Act } from '../act/actions/act.ts';
import { mayRead } from '../act/actions/routes.ts';
import { mountReadingPages } from '../api/pages/reading-pages.ts';
import type { ReadingPagesNeeds } from '../api/pages/reading-pages.ts';
import type { HttpDoor, HttpNeeds } from '../api/http/server.ts';
import type { IncidentDetails } from '../detect/incidents/incident.ts';
import type { Incidents } from '../detect/incidents/incidents.ts';
import type { Infrastructure } from '../infrastructure.ts';
import { iso } from '../platform/clock/iso.ts';
import type { ReadingKind, ReadingLinks } from '../platform/identity/reading-link.ts';
import { pageHeaders } from '../prove/reports/form.ts';
import type { Outline, Part } from '../prove/reports/outline.ts';
import { keyPage, notePage, toPage } from '../prove/reports/page.ts';

type Page = Exclude<Awaited<ReturnType<ReadingPagesNeeds['readables'][number]['open']>>, null>;

export interface ReadingNeeds {
  readonly infrastructure: Pick<Infrastructure, 'store'>;
  readonly links: ReadingLinks;
  readonly incidents: Pick<Incidents, 'find'>;
  readonly openReport: (tenant: string, id: string) => Promise<Page | null>;
  readonly isSealed: (tenant: string) => boolean;
}

/** What shows a thing on the command line. */
const COMMANDS: Readonly<Record<ReadingKind, (id: string) => string>> = {
  act: (id) => `mandate action show ${id}`,
  incident: (id) => `mandate incident show ${id}`,
  report: (id) => `mandate governance report ${id}`,
};

export function mountReadings(
  { infrastructure: { store }, links, incidents, openReport, isSealed }: ReadingNeeds,
  { fastify, prove }: HttpDoor,
  { traced, failed }: Pick<HttpNeeds, 'traced' | 'failed'>,
): void {
  mountReadingPages({
    fastify,
    prove,
    traced,
    failed,
    readables: [
      {
        kind: 'act',
        permission: 'actions.read',
        async open(tenant, id, reader) {
          const act = await findAct(store, tenant, id);
          return act === null || (reader !== null && !mayRead(reader, act)) ? null : pageOf(outlineAct(act));
        },
      },
      {
        kind: 'incident',
        permission: 'governance.read',
        async open(tenant, id) {
          const incident = await incidents.find(tenant, id);
          return incident === null ? null : pageOf(outlineIncident(incident));
        },
      },
      { kind: 'report', permission: 'governance.read', open: openReport },
    ],
    holderOf({ kind, id, token }) {
      const reading = links.verify(token);
      if (reading === null || (reading !== 'ended' && (reading.kind !== kind || reading.id !== id)))
        return note(403, 'This link is not valid', [
          'It was changed on its way, or it is for something else. Open it from the message itself.',
        ]);
      if (reading === 'ended')
        return note(403, 'This link has ended', [
          `Links in messages work for 30 days. Open this page with a key instead: leave out ?t=… in the address, or ${commandFor(kind, id)} on the command line.`,
        ]);
      return isSealed(reading.tenant)
        ? note(403, 'Everything is sealed', [
            'A stop of level seal is in force: links show nothing until somebody who may lift it does.',
          ])
        : reading;
    },
    nobody: (kind, id) => ({
      status: 401,
      headers: pageHeaders({ hasForm: true }),
      body: keyPage(`Open this ${kind}`, {
        path: `/${kind}s/${id}`,
        sentences: [
          'Open it with the link in the message that told you of it, or with your key:',
          `On the command line: ${commandFor(kind, id)}`,
        ],
      }),
    }),
  });
}

function commandFor(kind: string, id: string): string {
  return kind === 'act' || kind === 'incident' || kind === 'report' ? COMMANDS[kind](id) : '';
}

function note(status: number, title: string, sentences: readonly string[]): Page {
  return { status, headers: pageHeaders(), body: notePage(title, sentences) };
}

function pageOf(outline: Outline): Page {
  return { status: 200, headers: pageHeaders(), body: toPage(outline) };
}

type Fact = readonly [string, string];

/** Only what was redacted when it was written: results and sealed parameters are for keys. */
function outlineAct(act: Act): Outline {
  const { decision } = act;
  const facts: readonly Fact[] = [
    ['Status', act.status.replaceAll('_', ' ')],
    ['Agent', act.agent],
    ['Tier', `${decision.tier} (${decision.code})`],
    ['Asked', iso(act.createdMs)],
    ...(act.endedMs === null ? [] : [['Ended', iso(act.endedMs)] as const]),
    ...(act.error === null ? [] : [['Error', act.error] as const]),
    ...(act.traceId === null ? [] : [['Trace', act.traceId] as const]),
    ['Act', act.id],
  ];
  return {
    title: act.action,
    subtitle: `An act of ${act.agent}`,
    parts: [
      { kind: 'facts', facts },
      ...listed('Why it was decided so', decision.reasons),
      ...listed(
        'What the guardrails found',
        decision.findings.map(({ severity, check, message }) => `${severity}, ${check}: ${message}`),
      ),
      ...listed(
        'Parameters',
        Object.entries(act.display.parameters ?? {}).map(
          ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
        ),
      ),
    ],
  };
}

function outlineIncident(incident: IncidentDetails): Outline {
  const isOpen = incident.resolvedMs === null;
  return {
    title: incident.title,
    subtitle: `${incident.severity} incident, ${isOpen ? 'open' : 'resolved'}`,
    parts: [
      {
        kind: 'note',
        tone: isOpen ? 'bad' : 'good',
        text: isOpen
          ? `It stands until somebody resolves it: mandate incident resolve ${incident.id} --reason "…"`
          : `Resolved by ${incident.resolvedBy ?? ''}: ${incident.resolution ?? ''}`,
        more: [],
      },
      {
        kind: 'facts',
        facts: [
          ['Severity', incident.severity],
          ['Cause', incident.cause],
          ...(incident.set === null ? [] : [['Governed set', incident.set] as const]),
          ['Opened', `${iso(incident.openedMs)} by ${incident.openedBy}`],
          ['From autonomous actions', incident.fromAutonomousActions ? 'yes' : 'no'],
          ['Incident', incident.id],
        ],
      },
      ...listed(
        'Acts involved',
        incident.acts.map(({ id, action, agent }) => `${action} by ${agent} (${id})`),
      ),
      ...listed(
        'What was said',
        incident.timeline.map(({ atMs, by, kind, text }) => `${iso(atMs)} ${by}, ${kind}: ${text}`),
      ),
    ],
  };
}

function listed(title: string, items: readonly string[]): readonly Part[] {
  return items.length === 0
    ? []
    : [
        { kind: 'heading', text: title },
        { kind: 'list', items },
      ];
}

// The weekly cycle of governed sets and its reports: run it, read what it came to, and get the form that people file.
import { MandateUnavailable } from './errors.ts';
import { fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { FetchResponse } from './machine.ts';
import type { Transport } from './transport.ts';

/** A report with what matters most. */
export interface ReportLine {
  readonly id: string;
  readonly set: string;
  /** ISO 8601 week: `2026-W47`. */
  readonly week: string;
  /** ISO times. */
  readonly period: { readonly start: string; readonly end: string };
  /** The phase that the set was in. */
  readonly phase: string;
  /** Readiness, 0 to 1. */
  readonly score: number;
  readonly ready: boolean;
  readonly decision: 'propose' | 'stay';
  /** The phase that is proposed; null where none is. */
  readonly target: string | null;
  /** Id of the proposal that people decide. */
  readonly proposal: string | null;
  readonly summary: string;
  readonly createdAt: string;
  /** SHA-256 of the report, hex; it stands in the journal, too. */
  readonly sha256: string;
}

export interface WeeklyReport extends Omit<ReportLine, 'summary'> {
  /** `schedule`, or who ran it. */
  readonly createdBy: string;
  readonly blockers: readonly string[];
  /** Why no next phase is proposed; empty where one is. */
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
  readonly nextSteps: readonly string[];
  /** The RFC 6962 tree hash over the journal of the week, hex, and from which position to which. */
  readonly audit: {
    readonly root: string;
    readonly entries: number;
    readonly firstPosition: number | null;
    readonly lastPosition: number | null;
  };
}

export interface Reports {
  /**
   * Runs the weekly cycle now. In a week that has its report already, that report comes back, so it is safe to call
   * twice. `set` may be left out where the charter governs one set only.
   */
  runCycle(set?: string): Promise<WeeklyReport>;
  /** Newest first; of all sets unless one is named. */
  list(query?: { readonly set?: string; readonly limit?: number }): Promise<readonly ReportLine[]>;
  /** Throws MandateProblem `not_found` where there is none yet. */
  latest(set?: string): Promise<WeeklyReport>;
  find(id: string): Promise<WeeklyReport>;
  /** The whole report as Markdown, or as a page that prints well. */
  render(id: string, format: 'markdown' | 'html'): Promise<string>;
}

export function createReports(transport: Transport): Reports {
  const read = (method: 'GET' | 'POST', path: string): Promise<unknown> =>
    transport.read({ method, path: `/api/v1/governance${path}`, agent: null, isRepeatable: true });
  const ofSet = (set: string | undefined): string =>
    set === undefined ? '' : `?set=${encodeURIComponent(set)}`;
  return {
    runCycle: async (set) => readReport(await read('POST', `/run-cycle${ofSet(set)}`)),
    async list({ set, limit } = {}) {
      const query = [
        ...(set === undefined ? [] : [`set=${encodeURIComponent(set)}`]),
        ...(limit === undefined ? [] : [`limit=${limit}`]),
      ];
      const answer = await read('GET', `/reports${query.length === 0 ? '' : `?${query.join('&')}`}`);
      return listOf(fieldsOf(answer, 'the answer')['items'], readLine, 'items');
    },
    latest: async (set) => readReport(await read('GET', `/reports/latest${ofSet(set)}`)),
    find: async (id) => readReport(await read('GET', `/reports/${encodeURIComponent(id)}`)),
    render: async (id, format) =>
      textIn(
        await transport.open({
          method: 'GET',
          path: `/api/v1/governance/reports/${encodeURIComponent(id)}?format=${format}`,
          agent: null,
          isRepeatable: true,
        }),
      ),
  };
}

const DOCUMENT_MAX_BYTES = 8 * 1_048_576;

async function textIn({ body }: FetchResponse): Promise<string> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const next = await reader?.read();
    if (next === undefined || next.done) return text + decoder.decode();
    bytes += next.value?.byteLength ?? 0;
    if (bytes > DOCUMENT_MAX_BYTES) {
      await reader?.cancel();
      throw new MandateUnavailable('nonsense', `The document is longer than ${DOCUMENT_MAX_BYTES} bytes.`);
    }
    text += decoder.decode(next.value, { stream: true });
  }
}

function readLine(value: unknown, where: string): ReportLine {
  const of = fieldsOf(value, where);
  const period = fieldsOf(of['period'], `${where}.period`);
  return {
    id: idOf(of['id'], `${where}.id`),
    set: textOf(of['set'], `${where}.set`),
    week: textOf(of['week'], `${where}.week`),
    period: {
      start: textOf(period['start'], `${where}.period.start`),
      end: textOf(period['end'], `${where}.period.end`),
    },
    phase: textOf(of['phase'], `${where}.phase`),
    score: numberOf(of['score'], `${where}.score`),
    ready: truthOf(of['ready'], `${where}.ready`),
    decision: wordOf(of['decision'], ['propose', 'stay'], `${where}.decision`),
    target: optional(of['target'], textOf, `${where}.target`),
    proposal: optional(of['proposal'], idOf, `${where}.proposal`),
    summary: textOf(of['summary'], `${where}.summary`),
    createdAt: textOf(of['createdAt'], `${where}.createdAt`),
    sha256: textOf(of['sha256'], `${where}.sha256`),
  };
}

function readReport(value: unknown): WeeklyReport {
  const of = fieldsOf(value, 'the report');
  const readiness = fieldsOf(of['readiness'], 'readiness');
  const decision = fieldsOf(of['decision'], 'decision');
  const audit = fieldsOf(of['audit'], 'audit');
  const { summary: _, ...line } = readLine(
    {
      ...of,
      phase: fieldsOf(of['phase'], 'phase')['name'],
      score: readiness['score'],
      ready: readiness['ready'],
      decision: decision['kind'],
      target: decision['target'],
      proposal: optional(of['proposal'], (asked, where) => fieldsOf(asked, where)['id'], 'proposal'),
      summary: '',
    },
    'the report',
  );
  return {
    ...line,
    createdBy: textOf(of['createdBy'], 'createdBy'),
    blockers: listOf(readiness['blockers'], textOf, 'blockers'),
    reasons: listOf(decision['reasons'] ?? [], readReason, 'reasons'),
    nextSteps: listOf(of['nextSteps'], textOf, 'nextSteps'),
    audit: {
      root: textOf(audit['root'], 'audit.root'),
      entries: numberOf(audit['entries'], 'audit.entries'),
      firstPosition: optional(audit['firstPosition'], numberOf, 'audit.firstPosition'),
      lastPosition: optional(audit['lastPosition'], numberOf, 'audit.lastPosition'),
    },
  };
}

function readReason(value: unknown, where: string): WeeklyReport['reasons'][number] {
  const of = fieldsOf(value, where);
  return { code: textOf(of['code'], `${where}.code`), text: textOf(of['text'], `${where}.text`) };
}

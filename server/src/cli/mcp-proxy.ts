// Stands between an MCP client and a server that talk over standard streams. Every line passes as it is, except that a
// tools/call is first put to Mandate and goes on only when it is permitted, exactly as it was judged.
import type { Readable, Writable } from 'node:stream';
import type { JsonObject } from '@mandate/kernel';
import { approvalLink, hasDeclined, withoutOurMarks } from '../api/mcp/approval-link.ts';
import {
  errorMessage,
  idOf,
  INVALID_REQUEST,
  isObject,
  metaOf,
  PARSE_ERROR,
  readMessage,
  resultMessage,
} from '../api/mcp/message.ts';
import type { Id, Message } from '../api/mcp/message.ts';
import { notRunResult, recordedResult } from '../api/mcp/tool-result.ts';
import type { NotRun, ResultForm } from '../api/mcp/tool-result.ts';
import { readToolCall } from './mcp-call.ts';
import { readLines, writeLine } from './mcp-lines.ts';
import { createToolLook, OUR_IDS } from './mcp-look.ts';
import { outcomeOf } from './mcp-outcome.ts';
import type { ReportTools } from './mcp-report.ts';
import type { Judge, Outcome, Verdict, WantedCall } from './mcp-verdict.ts';

export interface Side {
  readonly input: Readable;
  readonly output: Writable;
}

export interface ProxyNeeds {
  /** What the client writes to us and reads from us. */
  readonly client: Side;
  /** What the server writes and reads. */
  readonly server: Side;
  /** The first part of every action's name. */
  readonly upstream: string;
  readonly judge: Judge;
  readonly report: ReportTools;
  readonly after: (waitMs: number, run: () => void) => () => void;
  readonly talk: (text: string) => void;
  /** The client has nothing more to say. */
  readonly onClientEnd: () => void;
}

export interface Proxy {
  /** The server has ended: whoever waits for it is told, and its outcomes are handed in. */
  serverEnded(how: string): Promise<void>;
}

type Request = Extract<Message, { readonly kind: 'request' }>;
type Permitted = Extract<Verdict, { readonly kind: 'run' }>;

interface Governed {
  readonly request: Request;
  readonly form: ResultForm;
  /** Aborted when the client cancels. */
  readonly controller: AbortController;
  /** There once the call has gone to the server. */
  permitted: Permitted | null;
}

export function createProxy(needs: ProxyNeeds): Proxy {
  const { client, server, upstream, judge, talk, onClientEnd } = needs;
  const governed = new Map<string, Governed>();
  /** Acts that wait, and who else has asked for exactly the same meanwhile. */
  const followers = new Map<string, Governed[]>();
  const lists = new Set<string>();
  const reports = new Set<Promise<unknown>>();

  const toClient = (message: JsonObject): void =>
    writeLine(client.output, JSON.stringify(message), server.input);
  const toServer = (line: Buffer | string): void => writeLine(server.output, line, client.input);
  const tools = createToolLook({ upstream, report: needs.report, toServer, after: needs.after });

  readLines(client.input, {
    onLine: fromClient,
    onTooLong: (bytes) =>
      toClient(
        errorMessage(
          null,
          PARSE_ERROR,
          `The message is longer than 32 MiB (${bytes} bytes) and was dropped.`,
        ),
      ),
    onEnd: onClientEnd,
  });
  readLines(server.input, {
    onLine: fromServer,
    onTooLong: (bytes) => talk(`The MCP server wrote a line of ${bytes} bytes; it was dropped.`),
    onEnd: () => {},
  });

  function fromClient(line: Buffer): void {
    const message = readMessage(decoded(line));
    switch (message.kind) {
      case 'bad':
        toClient(errorMessage(message.id, message.code, message.why));
        return;
      case 'request':
        if (String(message.id).startsWith(OUR_IDS)) {
          const why = `Ids that begin with ${OUR_IDS} are Mandate's own; use another one.`;
          toClient(errorMessage(message.id, INVALID_REQUEST, why));
          return;
        }
        if (message.method === 'tools/call') {
          // Nothing in it throws but a defect of ours, and then the call has not run.
          govern(message).catch((error: unknown) =>
            toClient(
              errorMessage(
                message.id,
                -32_603,
                `Mandate made a mistake and did not run the call: ${String(error)}`,
              ),
            ),
          );
          return;
        }
        if (message.method === 'tools/list') lists.add(keyOf(message.id));
        break;
      case 'notification':
        if (message.method === 'notifications/cancelled' && isCancelledHere(message.params)) return;
        break;
      case 'response':
        break;
    }
    // A carriage return ends a line for some readers, who would find other messages than the one that was read here.
    toServer(line.includes(13) ? JSON.stringify(message.whole) : line);
  }

  /** A call that the server has not seen is cancelled here; one that it has is cancelled there as well. */
  function isCancelledHere(params: JsonObject): boolean {
    const call = governed.get(keyOf(idOf(params['requestId'])));
    if (call === undefined) return false;
    call.controller.abort();
    const { permitted } = call;
    if (permitted !== null) void judge.cancel(permitted.actId, 'Cancelled by the MCP client.');
    return permitted === null;
  }

  async function govern(request: Request): Promise<void> {
    const { id, params } = request;
    const read = readToolCall(request, { upstream, hasOutputSchema: (tool) => tools.hasOutputSchema(tool) });
    if (read.kind === 'answer') return toClient(read.message);
    const { wanted, form } = read;
    const key = keyOf(id);
    if (governed.has(key))
      return toClient(
        errorMessage(id, INVALID_REQUEST, 'A request with this id is still running; use a new id.'),
      );
    const call: Governed = { request, form, controller: new AbortController(), permitted: null };
    governed.set(key, call);
    const unseen = await tools.beforeCall(params);
    // Cancelled meanwhile, or answered because the server has ended.
    if (call.controller.signal.aborted) governed.delete(key);
    else if (unseen !== null && governed.get(key) === call)
      conclude(call, { kind: 'not_run', why: unseen }, []);
    else if (governed.get(key) === call) await travel(call, wanted);
  }

  async function travel(call: Governed, wanted: WantedCall): Promise<void> {
    const first = await judge.ask(wanted);
    if (first.kind !== 'held') return conclude(call, first, []);
    const waiting = followers.get(first.actId);
    if (waiting !== undefined) {
      waiting.push(call);
      return;
    }
    const { params, id } = call.request;
    const link = approvalLink(params, { approval: first.why.approval, action: wanted.action });
    if (link !== null) {
      governed.delete(keyOf(id));
      return toClient(resultMessage(id, link));
    }
    followers.set(first.actId, []);
    const verdict = hasDeclined(params) ? first : await judge.wait(wanted, first, call.controller.signal);
    const others = followers.get(first.actId) ?? [];
    followers.delete(first.actId);
    if (call.controller.signal.aborted && verdict.kind === 'held')
      await judge.cancel(first.actId, 'Cancelled by the MCP client.');
    return conclude(call, verdict, others);
  }

  function conclude(call: Governed, verdict: Verdict, others: readonly Governed[]): void {
    if (verdict.kind === 'run' && !call.controller.signal.aborted) return run(call, verdict, others);
    if (verdict.kind === 'run') void judge.cancel(verdict.actId, 'Cancelled by the MCP client.');
    for (const each of [call, ...others]) {
      governed.delete(keyOf(each.request.id));
      // Whoever has cancelled expects no answer.
      if (!each.controller.signal.aborted)
        toClient(resultMessage(each.request.id, standIn(verdict, each.form)));
    }
  }

  function standIn(verdict: Verdict, form: ResultForm): JsonObject {
    switch (verdict.kind) {
      case 'ran':
        return recordedResult(verdict.result, form);
      case 'held':
      case 'not_run':
        return notRunResult(verdict.why, form);
      case 'run':
        return notRunResult(CANCELLED_HERE, form);
    }
  }

  /** What was judged is what is sent: the message is written anew from what was read. */
  function run(call: Governed, permitted: Permitted, others: readonly Governed[]): void {
    const { whole, params, id } = call.request;
    call.permitted = permitted;
    if (others.length > 0) followers.set(keyOf(id), [...others]);
    const meta = { ...metaOf(params), 'mandate/idempotency-key': permitted.actId };
    toServer(JSON.stringify({ ...whole, params: { ...withoutOurMarks(params), _meta: meta } }));
  }

  function fromServer(line: Buffer): void {
    let value: unknown;
    try {
      value = JSON.parse(decoded(line));
    } catch {
      talk(
        `The MCP server wrote a line that is no JSON; it was dropped: ${JSON.stringify(line.subarray(0, 200).toString('utf8'))}`,
      );
      return;
    }
    const messages = Array.isArray(value) ? (value as readonly unknown[]) : [value];
    const theirs = messages.filter((message) => !isObject(message) || !tools.isOurs(message));
    if (theirs.length === messages.length) writeLine(client.output, line, server.input);
    else if (theirs.length > 0) writeLine(client.output, JSON.stringify(theirs), server.input);
    for (const message of theirs) if (isObject(message)) answered(message);
  }

  function answered(message: JsonObject): void {
    if (message['method'] !== undefined) return tools.said(message['method']);
    const key = keyOf(idOf(message['id']));
    if (lists.delete(key)) tools.passed(message['result']);
    const call = governed.get(key);
    if (call === undefined || call.permitted === null) return;
    governed.delete(key);
    for (const other of followers.get(key) ?? []) {
      governed.delete(keyOf(other.request.id));
      if (!other.controller.signal.aborted) toClient({ ...message, id: other.request.id });
    }
    followers.delete(key);
    hand(call.permitted, outcomeOf(message));
  }

  function hand(permitted: Permitted, outcome: Outcome): void {
    const report = (async () => {
      const taken = (await judge.report(permitted, outcome)) || (await judge.report(permitted, outcome));
      if (!taken)
        talk(`Mandate could not be told the outcome of ${permitted.actId}; it will stand as unknown.`);
    })().finally(() => reports.delete(report));
    reports.add(report);
  }

  return {
    async serverEnded(how) {
      tools.ended();
      for (const { request, form, permitted } of governed.values()) {
        const why: NotRun =
          permitted === null
            ? { code: 'unavailable', reasons: [how], next: 'The call was not run.', actionId: null }
            : {
                code: 'unknown',
                reasons: [`${how} It was running this call.`],
                next: 'It may have taken effect: look before sending it again.',
                actionId: permitted.actId,
              };
        toClient(resultMessage(request.id, notRunResult(why, form)));
      }
      governed.clear();
      await Promise.allSettled(reports);
    },
  };
}

const CANCELLED_HERE: NotRun = {
  code: 'cancelled',
  reasons: ['The client cancelled the call before it ran.'],
  next: 'Nothing was run.',
  actionId: null,
};

function keyOf(id: Id | null): string {
  return JSON.stringify(id);
}

/** Bytes that are no UTF-8 become a line that is no JSON. */
function decoded(line: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
  } catch {
    return '';
  }
}

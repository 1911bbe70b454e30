// Hands an action to a service by HTTP. The charter names one URL; whatever the service answers, the request never goes
// to another host, to an address nobody checked, or a second time after it may have arrived.
import type { ExecutorSetting } from '@mandate/kernel';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { AddressRefused, createGuardedConnector } from './address.ts';
import type { Resolve } from './address.ts';
import { createCut } from './cut.ts';
import type { Cut } from './cut.ts';
import { failed, unknown } from './execution.ts';
import type { After, Execution, ExecutionOutcome } from './execution.ts';
import {
  costedSuccessOf,
  errorText,
  MAX_RESULT_BYTES,
  parseJson,
  shortenMiddle,
  withoutSecret,
} from './result.ts';

export type HttpSetting = Extract<ExecutorSetting, { readonly kind: 'http' }>;

export interface HttpNeeds {
  readonly after: After;
  readonly resolve: Resolve;
  /** null when no secret of that name exists. */
  readonly secrets: (name: string) => string | null;
}

const MAX_REDIRECTS = 3;

/** A 2xx answer with a JSON body is a success; an empty one succeeds with the result null. */
export async function runHttp(
  name: string,
  setting: HttpSetting,
  run: Execution,
  needs: HttpNeeds,
): Promise<ExecutionOutcome> {
  const target = checkTarget(name, setting, needs);
  if (target.kind === 'refused') return target.outcome;
  const { url, secret } = target;
  const cut = createCut(run, setting.timeoutMs, needs.after);
  try {
    if (cut.cause() !== null) return { kind: 'cancelled' };
    const outcome = await followRequests({ name, setting, run, url, secret, cut }, needs);
    return scrub(outcome, secret);
  } finally {
    cut.end();
  }
}

type Target =
  | { readonly kind: 'target'; readonly url: URL; readonly secret: string | null }
  | { readonly kind: 'refused'; readonly outcome: ExecutionOutcome };

function checkTarget(name: string, setting: HttpSetting, needs: HttpNeeds): Target {
  const refuse = (code: 'bad_executor' | 'secret_missing', reason: string): Target => ({
    kind: 'refused',
    outcome: failed(code, `executors.${name}: ${reason}`),
  });
  const url = URL.parse(setting.url);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return refuse('bad_executor', 'the URL must start with https:// or http://');
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('bad_executor', 'the URL carries a user name or password; name a "secret" instead');
  }
  if (!sendsBody.has(setting.method)) {
    return refuse(
      'bad_executor',
      `the method ${setting.method} carries no body; use POST, PUT, PATCH or DELETE`,
    );
  }
  if (setting.secret === null) return { kind: 'target', url, secret: null };
  if (url.protocol === 'http:' && !setting.allowPrivate) {
    return refuse(
      'bad_executor',
      'a secret is only sent over https (or inside a private network with "allowPrivate: true")',
    );
  }
  const secret = needs.secrets(setting.secret);
  if (secret === null)
    return refuse('secret_missing', `the secret "${setting.secret}" does not exist; add it to the vault`);
  if (!visibleAscii.test(secret)) {
    return refuse(
      'secret_missing',
      `the secret "${setting.secret}" contains characters that no header can carry`,
    );
  }
  return { kind: 'target', url, secret };
}

const sendsBody = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const visibleAscii = /^[\x21-\x7e]+$/;

interface Call {
  readonly name: string;
  readonly setting: HttpSetting;
  readonly run: Execution;
  readonly url: URL;
  readonly secret: string | null;
  readonly cut: Cut;
}

interface Step {
  readonly url: URL;
  readonly method: string;
  readonly withBody: boolean;
  readonly isFirst: boolean;
}

async function followRequests(call: Call, needs: HttpNeeds): Promise<ExecutionOutcome> {
  let step: Step = { url: call.url, method: call.setting.method, withBody: true, isFirst: true };
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const answer = await sendOnce(call, step, needs);
    if (answer.kind === 'outcome') return answer.outcome;
    const next = nextStep(call.url, step, answer);
    if (typeof next === 'string') {
      return failed(
        'redirect_refused',
        `${describe(call)} redirected ${next}. Put the final URL into the charter.`,
      );
    }
    step = next;
  }
  return failed('redirect_refused', `${describe(call)} redirected more than ${MAX_REDIRECTS} times.`);
}

interface Redirect {
  readonly kind: 'redirect';
  readonly status: number;
  readonly location: string | null;
}
type Answer = { readonly kind: 'outcome'; readonly outcome: ExecutionOutcome } | Redirect;

/** One request on one connection of its own, so that it is known whether anything can have been sent. */
async function sendOnce(call: Call, step: Step, needs: HttpNeeds): Promise<Answer> {
  let connected = false;
  const agent = new Agent({
    connect: createGuardedConnector({
      allowPrivate: call.setting.allowPrivate,
      resolve: needs.resolve,
      signal: call.cut.signal,
      onConnected: () => {
        connected = true;
      },
    }),
    // The cut is the only clock of an execution.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const requested = request(step.url, {
      dispatcher: agent,
      method: step.method,
      headers: headersOf(call, step),
      body: step.withBody ? bodyOf(call.run) : null,
      signal: call.cut.signal,
    });
    // undici does not hear the signal while it waits for a connection.
    const reached = await call.cut.race(requested);
    if (reached.kind === 'cut') throw new Error('cut off');
    const response = reached.value;
    if (isRedirect(response.statusCode)) {
      const { location } = response.headers;
      const target = typeof location === 'string' ? location : null;
      return { kind: 'redirect', status: response.statusCode, location: target };
    }
    return { kind: 'outcome', outcome: await readAnswer(call, response) };
  } catch (error) {
    return { kind: 'outcome', outcome: broken(call, error, connected || !step.isFirst) };
  } finally {
    // Also ends a body nobody read to its end.
    await agent.destroy();
  }
}

function headersOf({ run, secret }: Call, { withBody }: Step): Record<string, string> {
  const headers: Record<string, string> = {
    accept: 'application/json',
    // The size limit counts what arrives, so nothing may expand afterwards.
    'accept-encoding': 'identity',
    'idempotency-key': run.idempotencyKey,
    'user-agent': 'mandate',
  };
  if (withBody) headers['content-type'] = 'application/json';
  if (run.traceparent !== null) headers['traceparent'] = run.traceparent;
  // Every hop has the host of the charter (nextStep sees to it), so the secret cannot reach another one.
  if (secret !== null) headers['authorization'] = `Bearer ${secret}`;
  return headers;
}

function bodyOf({ actId, agent, action, parameters }: Execution): string {
  return JSON.stringify({ id: actId, agent, action, parameters });
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Where a redirect may lead, or in words why it may not. Methods change as the Fetch standard says. */
export function nextStep(origin: URL, step: Step, { status, location }: Redirect): Step | string {
  const url = location === null ? null : URL.parse(location, step.url.href);
  if (url === null) return 'to nowhere';
  if (url.hostname !== origin.hostname) return `to another host (${shortenMiddle(url.hostname, 100)})`;
  if (url.protocol !== step.url.protocol && url.protocol !== 'https:')
    return 'from https to an unprotected scheme';
  const isUpgrade =
    step.url.protocol === 'http:' && url.protocol === 'https:' && url.port === '' && step.url.port === '';
  if (url.port !== step.url.port && !isUpgrade) return 'to another port';
  if (url.username !== '' || url.password !== '') return 'to a URL with a user name or password';
  const keepsMethod = status === 307 || status === 308;
  return keepsMethod
    ? { ...step, url, isFirst: false }
    : { url, method: 'GET', withBody: false, isFirst: false };
}

async function readAnswer(
  call: Call,
  { statusCode, headers, body }: Dispatcher.ResponseData,
): Promise<ExecutionOutcome> {
  const raw = await readCapped(body);
  // Before anything is cut out of it: half a secret is still a leak.
  const text = raw === null ? null : withoutSecret(raw, call.secret);
  if (statusCode < 200 || statusCode >= 300) {
    const excerpt = text === null ? 'a body larger than 1 MiB' : shortenMiddle(text, 500);
    return failed('http_status', `${describe(call)} answered ${statusCode}: ${excerpt}`);
  }
  if (text === null) {
    return failed(
      'result_too_large',
      `${describe(call)} answered ${statusCode} with more than 1 MiB. Answer with less.`,
    );
  }
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    return failed(
      'bad_result',
      `${describe(call)} answered compressed although it was told not to. Answer uncompressed.`,
    );
  }
  if (text.trim() === '') return { kind: 'success', result: null, costMicroUsd: null };
  const parsed = parseJson(text);
  if (parsed === null) {
    return failed(
      'bad_result',
      `${describe(call)} answered ${statusCode}, but its body is not JSON: ${shortenMiddle(text, 300)}`,
    );
  }
  return costedSuccessOf(describe(call), parsed.value);
}

/** The body as text, or null once it exceeds 1 MiB: the rest is not read. */
async function readCapped(body: AsyncIterable<unknown>): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw new Error('the body did not arrive as bytes');
    bytes += chunk.length;
    if (bytes > MAX_RESULT_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function broken(call: Call, error: unknown, maySent: boolean): ExecutionOutcome {
  const cause = call.cut.cause();
  if (error instanceof AddressRefused)
    return failed('address_refused', `executors.${call.name}: ${error.message}`);
  if (!maySent) {
    if (cause === 'cancelled') return { kind: 'cancelled' };
    const reason =
      cause === 'timeout' ? `no connection within ${call.cut.waitMs / 1000} s` : causeText(error);
    return failed(
      'executor_unavailable',
      `${describe(call)} could not be reached: ${reason}. Nothing was sent.`,
    );
  }
  const how =
    cause === 'cancelled'
      ? 'was cut off by a stop'
      : cause === 'timeout'
        ? `gave no answer within ${call.cut.waitMs / 1000} s`
        : `broke the connection (${causeText(error)})`;
  return unknown(`${describe(call)} ${how} after the request may have arrived. Ask it before sending again.`);
}

/** Network errors hide their reason one level down. */
function causeText(error: unknown): string {
  return errorText(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}

function describe({ name, url }: Call): string {
  return `The service of executor "${name}" (${url.host})`;
}

function scrub(outcome: ExecutionOutcome, secret: string | null): ExecutionOutcome {
  if (outcome.kind !== 'failed' && outcome.kind !== 'unknown') return outcome;
  return { ...outcome, error: withoutSecret(outcome.error, secret) };
}

// A red decision can be asked for: the AuthZEN Access Request and Approval Profile, draft 1 (OpenID AuthZEN working
// group, a draft that may still change). The request opens an act that waits like every other, its task is that act,
// and once people have approved it the same evaluation answers `true` until the approval is used or has expired.
import { canonicalJson } from '@mandate/kernel';
import type { Decision, JsonObject } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import { askAbout } from './evaluate.ts';
import type { AuthzenAction, EvaluateNeeds } from './evaluate.ts';
import { isObject, readEvaluation } from './request.ts';
import type { Evaluation } from './request.ts';

export const CAPABILITY = 'urn:openid:authzen:capability:access-request';
const ERROR = 'urn:openid:authzen:access-request:error';
/** How long a denial may be turned into a request; what people then take is the approval's own time. */
const REQUESTABLE_MS = 600_000;
/** Members of a context that belong to the profile and are no part of what is decided. */
const MACHINERY: ReadonlySet<string> = new Set([
  'access_request',
  'approval',
  'evaluation_id',
  'evaluated_at',
  'reason',
]);

/** What a denial was bound to, as the token carries it. */
export interface DenialBinding {
  readonly tenant: string;
  /** The caller that was denied. */
  readonly principal: string;
  /** SHA-256 over subject, resource, action and the context members below. */
  readonly hash: string;
  readonly members: readonly string[];
  readonly expiresMs: number;
}

/** An act, as far as a task shows it. */
export interface TaskAct {
  readonly id: string;
  readonly status: string;
  readonly approval: {
    readonly id: string;
    readonly status: string;
    readonly expiresAt: string;
    readonly decidedAt: string | null;
    readonly url: string;
  } | null;
}

export interface AccessRequestNeeds extends Pick<EvaluateNeeds, 'scopesOf'> {
  readonly request: (
    asker: Asker,
    wanted: AuthzenAction,
  ) => Promise<
    | { readonly kind: 'act'; readonly view: { readonly id: string } }
    | { readonly kind: 'refused'; readonly refusal: Refusal; readonly decision: Decision | null }
  >;
  /** The act, for whoever asked for it or may read acts of others; null for everybody else. */
  readonly look: (asker: Asker, id: string) => Promise<TaskAct | null>;
  readonly signBinding: (binding: DenialBinding) => string;
  /** null when the token is not ours or was changed. */
  readonly readBinding: (token: string) => DenialBinding | null;
  readonly sha256: (text: string) => string;
  readonly nowMs: () => number;
  readonly iso: (epochMs: number) => string;
  readonly publicUrl: () => string;
}

/** A context without the members that are the profile's own: what is decided, digested and approved. */
export function withoutMachinery(evaluation: Evaluation): Evaluation {
  const { context } = evaluation;
  if (!Object.keys(context).some((name) => MACHINERY.has(name))) return evaluation;
  const own = Object.entries(context).filter(([name]) => !MACHINERY.has(name));
  return { ...evaluation, context: Object.fromEntries(own) };
}

/** The `access_request` member of a denial. */
export function requestableDenial(
  needs: Pick<AccessRequestNeeds, 'signBinding' | 'sha256' | 'nowMs' | 'iso' | 'publicUrl'>,
  asker: Asker,
  evaluation: Evaluation,
): JsonObject {
  const expiresMs = needs.nowMs() + REQUESTABLE_MS;
  const members = Object.keys(evaluation.context).toSorted();
  const hash = hashOf(needs.sha256, evaluation, members);
  return {
    endpoint: `${needs.publicUrl()}/access/v1/requests`,
    expires_at: needs.iso(expiresMs),
    binding_token: needs.signBinding({
      tenant: asker.tenant,
      principal: asker.id,
      hash,
      members,
      expiresMs,
    }),
    display: {
      title: 'Ask people for it',
      description: `${evaluation.action.name} on ${evaluation.resource.type} ${evaluation.resource.id} waits for approval.`,
    },
  };
}

function hashOf(
  sha256: (text: string) => string,
  { subject, resource, action, context }: Evaluation,
  members: readonly string[],
): string {
  const own = Object.fromEntries(
    members.flatMap((name) => {
      const value = Object.hasOwn(context, name) ? context[name] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return sha256(
    canonicalJson({
      subject: { ...subject },
      resource: { ...resource },
      action: { ...action },
      context: own,
    }),
  );
}

export type Submitted =
  | { readonly kind: 'task'; readonly status: 200 | 201 | 202; readonly body: JsonObject }
  | { readonly kind: 'bad'; readonly pointer: string; readonly detail: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly error: 'invalid_denial_binding' | 'expired_denial' | 'unknown_task';
      readonly detail: string;
    };

export function problemType(error: Extract<Submitted, { kind: 'error' }>['error']): string {
  return `${ERROR}:${error}`;
}

/** Opens the act that waits, for a denial of ours that still is one. */
export async function submit(
  needs: AccessRequestNeeds,
  asker: Asker,
  { body, idempotencyKey }: { readonly body: unknown; readonly idempotencyKey: string | null },
): Promise<Submitted> {
  const read = readEvaluation(body);
  if (read.kind === 'bad') return read;
  const denial = isObject(body) ? body['denial'] : undefined;
  if (!isObject(denial)) return bad('/denial', 'must be a JSON object');
  const token = denial['binding_token'];
  if (typeof token !== 'string')
    return bad('/denial/binding_token', 'must be the access_request.binding_token of the denial');
  const binding = needs.readBinding(token);
  const given = withoutMachinery(read.value);
  const isOurs =
    binding !== null &&
    binding.tenant === asker.tenant &&
    binding.principal === asker.id &&
    binding.hash === hashOf(needs.sha256, given, binding.members) &&
    denial['expires_at'] === needs.iso(binding.expiresMs);
  if (!isOurs)
    return failed(400, 'invalid_denial_binding', 'The denial is not the one that this was answered with.');
  if (binding.expiresMs <= needs.nowMs())
    return failed(400, 'expired_denial', 'The denial is too old; evaluate again and send what comes back.');
  // What was added to the context on the way (a justification) is no part of what was denied and will be approved.
  const own = Object.entries(given.context).filter(([name]) => binding.members.includes(name));
  const evaluation: Evaluation = { ...given, context: Object.fromEntries(own) };
  const { subject } = evaluation;
  if (subject.type === 'user' && subject.id !== asker.user?.id) {
    // An answer about somebody is advice. An act is done on the authority of whoever's key asks for it.
    const detail = `This key does not stand for the user ${subject.id}; that person's own key has to ask.`;
    return { kind: 'refused', refusal: { code: 'not_yours', detail } };
  }
  const asked = await askAbout(needs, asker, evaluation);
  const idempotency =
    idempotencyKey === null
      ? null
      : { key: idempotencyKey, digest: hashOf(needs.sha256, evaluation, binding.members) };
  const answer = await needs.request(asked.asker, { ...asked.wanted, idempotency, onlyAsk: true });
  if (answer.kind === 'refused') return { kind: 'refused', refusal: answer.refusal };
  return taskOf(needs, asker, { id: answer.view.id, status: 202 });
}

/** The task as it stands; polled until it is over. */
export async function taskOf(
  needs: AccessRequestNeeds,
  asker: Asker,
  { id, status }: { readonly id: string; readonly status: 200 | 202 },
): Promise<Submitted> {
  const act = await needs.look(asker, id);
  if (act === null) return failed(404, 'unknown_task', `There is no access request ${id.slice(0, 80)}.`);
  const { approval } = act;
  const at = `${needs.publicUrl()}/access/v1/requests/${act.id}`;
  const state = taskStatus(act);
  const task = {
    id: act.id,
    status: state,
    status_endpoint: at,
    ...(approval === null ? {} : { expires_at: approval.expiresAt, links: { review: approval.url } }),
  };
  const result =
    state === 'approved' && approval !== null
      ? {
          mode: 'reevaluate',
          approval: {
            id: approval.id,
            ...(approval.decidedAt === null ? {} : { approved_at: approval.decidedAt }),
            approved_until: approval.expiresAt,
          },
        }
      : null;
  return { kind: 'task', status, body: { task, ...(result === null ? {} : { result }) } };
}

/** The mapping that the profile asks to be documented; an act that has begun was approved. */
function taskStatus({ status, approval }: TaskAct): string {
  switch (status) {
    case 'waiting_for_approval':
      return approval?.status === 'approved' || approval?.status === 'used' ? 'approved' : 'pending';
    case 'permitted':
    case 'executing':
    case 'success':
      return 'approved';
    case 'denied':
    case 'expired':
    case 'cancelled':
      return status;
    default:
      return 'failed';
  }
}

function bad(pointer: string, detail: string): Submitted {
  return { kind: 'bad', pointer, detail };
}

function failed(
  status: number,
  error: Extract<Submitted, { kind: 'error' }>['error'],
  detail: string,
): Submitted {
  return { kind: 'error', status, error, detail };
}

// The policy decision point that other people's gateways, proxies and frameworks already know how to ask: OpenID AuthZEN
// Authorization API 1.0 over HTTP. Every question is a preview on the one road. An answer of `true` is advice, not a
// permit: only act_start() begins anything.
import { idempotencyKeyField } from '../../platform/http/fields.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { badRequest, mountStandardDoor } from '../http/standard-door.ts';
import type { Doorway } from '../http/doorway.ts';
import type { StandardCall, StandardReply, StandardRoute } from '../http/standard-door.ts';
import {
  CAPABILITY,
  problemType,
  requestableDenial,
  submit,
  taskOf,
  withoutMachinery,
} from './access-request.ts';
import type { AccessRequestNeeds, Submitted } from './access-request.ts';
import { evaluateBatch, readBatch } from './batch.ts';
import { evaluate } from './evaluate.ts';
import type { Evaluated, EvaluateNeeds } from './evaluate.ts';
import { readEvaluation } from './request.ts';
import type { Evaluation } from './request.ts';
import { search } from './search.ts';
import type { Kind, SearchNeeds } from './search.ts';

export interface AuthzenNeeds
  extends Doorway, AccessRequestNeeds, Pick<EvaluateNeeds, 'preview'>, Pick<SearchNeeds, 'known'> {
  readonly askerOf: (principal: Principal, traceId: string | null) => Asker;
}

/** Mounts `/access/v1/*` and the discovery document. */
export function mountAuthzen(needs: AuthzenNeeds): void {
  const asked = (call: StandardCall): Asker => needs.askerOf(call.principal, call.traceId);
  const one = (asker: Asker, evaluation: Evaluation): Promise<Evaluated> =>
    evaluate(
      { ...needs, requestable: (who, what) => requestableDenial(needs, who, what) },
      asker,
      withoutMachinery(evaluation),
    );

  async function single(call: StandardCall): Promise<StandardReply> {
    const read = readEvaluation(call.body);
    if (read.kind === 'bad') return badMember(read);
    const evaluated = await one(asked(call), read.value);
    return evaluated.kind === 'decided'
      ? json(200, evaluated.answer)
      : { kind: 'problem', refusal: evaluated.refusal };
  }

  async function several(call: StandardCall): Promise<StandardReply> {
    const batch = readBatch(call.body);
    if (batch === null) return single(call);
    if (batch.kind === 'bad') return badMember(batch);
    const asker = asked(call);
    return json(200, { evaluations: await evaluateBatch(batch.value, (item) => one(asker, item)) });
  }

  const searching =
    (kind: Kind) =>
    async (call: StandardCall): Promise<StandardReply> => {
      const found = await search({ known: needs.known, evaluate: one }, asked(call), {
        kind,
        body: call.body,
      });
      return found.kind === 'bad' ? badMember(found) : json(200, found.value);
    };

  async function requestAccess(call: StandardCall): Promise<StandardReply> {
    const key = call.headers['idempotency-key'];
    const idempotencyKey = typeof key === 'string' ? key : null;
    const wrong = idempotencyKeyField.safeParse(idempotencyKey ?? '-').error?.issues[0]?.message;
    if (wrong !== undefined) return badRequest(`Idempotency-Key ${wrong}.`);
    return taskReply(await submit(needs, asked(call), { body: call.body, idempotencyKey }));
  }

  const post = (url: string, handle: StandardRoute['handle']): StandardRoute => ({
    method: 'POST',
    url,
    permission: 'actions.request',
    handle,
  });
  mountStandardDoor(needs, [
    post('/access/v1/evaluation', single),
    post('/access/v1/evaluations', several),
    post('/access/v1/search/subject', searching('subject')),
    post('/access/v1/search/resource', searching('resource')),
    post('/access/v1/search/action', searching('action')),
    post('/access/v1/requests', requestAccess),
    {
      method: 'GET',
      url: '/access/v1/requests/:id',
      permission: 'actions.read',
      handle: async (call) =>
        taskReply(await taskOf(needs, asked(call), { id: call.params['id'] ?? '', status: 200 })),
    },
  ]);
  // Discovery is for those who have no key yet.
  needs.fastify.get('/.well-known/authzen-configuration', (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(metadata(needs.publicUrl()))),
  );
}

function metadata(base: string) {
  return {
    policy_decision_point: base,
    access_evaluation_endpoint: `${base}/access/v1/evaluation`,
    access_evaluations_endpoint: `${base}/access/v1/evaluations`,
    search_subject_endpoint: `${base}/access/v1/search/subject`,
    search_resource_endpoint: `${base}/access/v1/search/resource`,
    search_action_endpoint: `${base}/access/v1/search/action`,
    access_request_endpoint: `${base}/access/v1/requests`,
    capabilities: [CAPABILITY],
  };
}

function json(status: number, body: unknown, headers?: Readonly<Record<string, string>>): StandardReply {
  return headers === undefined ? { kind: 'json', status, body } : { kind: 'json', status, body, headers };
}

function badMember({
  pointer,
  detail,
}: {
  readonly pointer: string;
  readonly detail: string;
}): StandardReply {
  return badRequest(`${pointer === '' ? 'The body' : pointer} ${detail}.`, pointer);
}

function taskReply(submitted: Submitted): StandardReply {
  switch (submitted.kind) {
    case 'task': {
      const { status, body } = submitted;
      const isOpen = JSON.stringify(body['task']).includes('"status":"pending"');
      return json(status, body, isOpen ? { 'retry-after': '5' } : {});
    }
    case 'bad':
      return badMember(submitted);
    case 'refused':
      return { kind: 'problem', refusal: submitted.refusal };
    case 'error': {
      const { status, error, detail } = submitted;
      const body = { type: problemType(error), title: error.replaceAll('_', ' '), status, detail };
      return json(status, body, { 'content-type': 'application/problem+json' });
    }
  }
}

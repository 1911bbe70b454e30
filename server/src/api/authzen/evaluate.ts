// One AuthZEN evaluation is one preview on the road: nothing is recorded or begun, and `true` is advice, not a permit.
import type { ConsideredRule, Decision, Json, JsonObject } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import { fullName } from './request.ts';
import type { Evaluation } from './request.ts';

/** An action as the road takes it. */
export interface AuthzenAction {
  readonly agent: string;
  readonly action: string;
  readonly parameters: JsonObject;
  readonly context: JsonObject;
  readonly resource: { readonly type: string; readonly id: string };
  readonly user: null;
  readonly onBehalfOf: null;
  readonly estimatedCostMicroUsd: null;
  readonly idempotency: { readonly key: string; readonly digest: string } | null;
  readonly attach: boolean;
  readonly compensates: null;
  readonly onlyAsk?: boolean;
}

export type AuthzenPreview =
  | {
      readonly kind: 'decision';
      readonly decision: Decision;
      readonly explain: () => readonly ConsideredRule[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface EvaluateNeeds {
  readonly preview: (asker: Asker, wanted: AuthzenAction) => Promise<AuthzenPreview>;
  /** The scopes that the charter gives a person; null where it does not know the person. */
  readonly scopesOf: (tenant: string, user: string) => Promise<readonly string[] | null>;
  /** What to hand in with an access request for this evaluation; see access-request.ts. */
  readonly requestable: (asker: Asker, evaluation: Evaluation) => JsonObject;
}

export interface AuthzenDecision {
  readonly decision: boolean;
  readonly context?: JsonObject;
}

/**
 * `agent` subjects are agents. A `user` is asked about with the authority that the charter gives that person, as the
 * agent `user:<id>`; any other type becomes an agent's name in the same way. A name with a dot is an action's full
 * name, any other one belongs to its resource's type: `read` on a `record` is `record.read`. Rules see the properties of
 * the action as `parameters`, those of subject and resource as `parameters.subject` and `parameters.resource`.
 */
export async function askAbout(
  needs: Pick<EvaluateNeeds, 'scopesOf'>,
  asker: Asker,
  evaluation: Evaluation,
): Promise<{ readonly asker: Asker; readonly wanted: AuthzenAction }> {
  const { subject, action, resource, context } = evaluation;
  const { type, id } = resource;
  return {
    asker: subject.type === 'user' ? await asUser(needs, asker, subject.id) : asker,
    wanted: {
      agent: subject.type === 'agent' ? subject.id : `${subject.type}:${subject.id}`,
      action: fullName(action.name, type),
      parameters: {
        ...action.properties,
        subject: subject.properties,
        resource: resource.properties,
      } satisfies Readonly<Record<string, Json>>,
      context,
      resource: { type, id },
      user: null,
      onBehalfOf: null,
      estimatedCostMicroUsd: null,
      idempotency: null,
      attach: false,
      compensates: null,
    },
  };
}

/** Only who may ask for others is answered about a person; what the key itself carries says nothing of that person. */
async function asUser(
  { scopesOf }: Pick<EvaluateNeeds, 'scopesOf'>,
  asker: Asker,
  id: string,
): Promise<Asker> {
  if (!asker.mayAskForOthers || asker.user?.id === id) return asker;
  const userScopes = (await scopesOf(asker.tenant, id)) ?? [];
  return { ...asker, user: { id, email: null }, userScopes, userRoles: [] };
}

export type Evaluated =
  | { readonly kind: 'decided'; readonly answer: AuthzenDecision }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export async function evaluate(
  needs: EvaluateNeeds,
  asker: Asker,
  evaluation: Evaluation,
): Promise<Evaluated> {
  const asked = await askAbout(needs, asker, evaluation);
  const answer = await needs.preview(asked.asker, asked.wanted);
  if (answer.kind === 'refused') return answer;
  const { decision } = answer;
  const isAllowed = decision.effect === 'execute';
  const context: JsonObject = {
    reason: decision.code,
    reason_admin: { en: decision.reasons.join(' ') || decision.code },
    mandate: {
      tier: decision.tier,
      effect: decision.effect,
      code: decision.code,
      rule: decision.rule,
      charterVersion: decision.charterVersion,
      obligations: decision.obligations,
    },
    ...(decision.effect === 'hold' ? { access_request: needs.requestable(asker, evaluation) } : {}),
  };
  return { kind: 'decided', answer: { decision: isAllowed, context } };
}

// The first step of the road: may this asker speak for this agent and user at all? What the body says about who
// somebody is counts for nothing; it must agree with what the key proves.
import type { Action, JsonObject, Resource } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';

/** What a door has parsed. */
export interface ActionRequest {
  readonly agent: string;
  readonly action: string;
  readonly parameters: JsonObject;
  readonly context: JsonObject;
  readonly resource: Resource | null;
  readonly user: { readonly id: string } | null;
  readonly onBehalfOf: string | null;
  readonly estimatedCostMicroUsd: number | null;
  readonly idempotency: {
    readonly key: string;
    readonly digest: string;
    /** Names the very question among those of one key. */
    readonly attempt?: string | null;
    /** Whoever asks knows of no earlier request with this key. */
    readonly isNew?: boolean;
  } | null;
  /** An identical repeat attaches to the approval that is already open and runs it once it is given (MCP). */
  readonly attach: boolean;
  readonly compensates: string | null;
  /** Only asks people: what would begin at once is refused instead. */
  readonly onlyAsk?: boolean;
  /** The piece of work that it belongs to. */
  readonly run?: string | null;
}

export type Admitted =
  | { readonly kind: 'admitted'; readonly action: Action }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export function admit(asker: Asker, request: ActionRequest): Admitted {
  if (!asker.roles.includes('agent') && !asker.mayAskForOthers)
    return refuse(
      `To name the agent ${request.agent} without being one takes the permission actions.request_for_others, which this key's scopes leave out.`,
    );
  if (asker.agents !== 'any' && !asker.agents.includes(request.agent)) {
    const own = asker.agents.length === 0 ? 'no agent' : asker.agents.join(', ');
    return refuse(`This key speaks for ${own}, not for ${request.agent}.`);
  }
  if (request.user !== null && request.user.id !== asker.user?.id) {
    const own = asker.user === null ? 'stands for no user' : `stands for the user ${asker.user.id}`;
    return refuse(`The body names the user ${request.user.id}, but this key ${own}.`);
  }
  return {
    kind: 'admitted',
    action: {
      agent: request.agent,
      action: request.action,
      parameters: request.parameters,
      context: request.context,
      resource: request.resource,
      user: asker.user,
      chain: asker.chain,
      onBehalfOf: request.onBehalfOf,
      costMicroUsd: request.estimatedCostMicroUsd,
      ...(request.run === undefined || request.run === null ? {} : { run: request.run }),
    },
  };
}

function refuse(detail: string): Admitted {
  return { kind: 'refused', refusal: { code: 'not_yours', detail } };
}

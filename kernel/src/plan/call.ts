// Reading what a step's expressions gave: whoever wrote them may have meant something else than a name or a list.
import type { Json, JsonObject } from '../action.ts';
import type { StepCall } from './outcome.ts';
import type { StepState } from './state.ts';

export function attemptOf(state: StepState | undefined): number {
  if (state === undefined || state.kind === 'skipped') return 1;
  return state.kind === 'reset' ? state.attempt + 1 : state.attempt;
}

/** Who is asked for what, once the expressions have values. */
export type CallFields = Pick<StepCall, 'agent' | 'role' | 'parameters' | 'context' | 'resource'>;

/** Null where a value has the wrong type. */
export function readCall(value: Json): CallFields | null {
  if (!isObject(value)) return null;
  const { agent = null, role = null, parameters = {}, context = {}, resource = null } = value;
  if ((agent !== null && typeof agent !== 'string') || (role !== null && typeof role !== 'string'))
    return null;
  if (!isObject(parameters) || !isObject(context)) return null;
  if (resource === null) return { agent, role, parameters, context, resource };
  if (!isObject(resource)) return null;
  const { type, id } = resource;
  if (typeof type !== 'string' || typeof id !== 'string') return null;
  return { agent, role, parameters, context, resource: { type, id } };
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

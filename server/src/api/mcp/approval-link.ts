// Revision 2026-07-28 lets a result ask for input: a client that can show links shows its person the approval and comes
// back with the same call. Only the first time; whoever comes back waits like every other client.
import type { JsonObject } from '@mandate/kernel';
import { isModern, isObject, showsLinks } from './message.ts';
import { howToApprove } from './tool-result.ts';
import type { NotRun } from './tool-result.ts';

/** Marks `requestState` as ours. Nothing is believed because of it: it only says that the link has been shown. */
const STATE = 'mandate:';

/** The `input_required` result that shows the approval; null for clients that cannot, and for those that come back. */
export function approvalLink(
  params: JsonObject,
  { approval, action }: Pick<NotRun, 'approval'> & { readonly action: string },
): JsonObject | null {
  if (approval === undefined || isOurs(params['requestState']) || !isModern(params) || !showsLinks(params))
    return null;
  const message = `${action} waits for people. ${howToApprove(approval)}`;
  return {
    resultType: 'input_required',
    inputRequests: {
      approval: { method: 'elicitation/create', params: { mode: 'url', message, url: approval.url } },
    },
    requestState: `${STATE}${approval.id}`,
  };
}

/** The person at the client did not want to follow the link: no reason to keep the model waiting. */
export function hasDeclined({ requestState, inputResponses }: JsonObject): boolean {
  const response = isOurs(requestState) && isObject(inputResponses) ? inputResponses['approval'] : undefined;
  return isObject(response) && response['action'] !== 'accept';
}

/** The params as the server gets them: it never sent our marks and would not know them. */
export function withoutOurMarks(params: JsonObject): JsonObject {
  if (!isOurs(params['requestState'])) return params;
  const ours = new Set(['requestState', 'inputResponses']);
  return Object.fromEntries(Object.entries(params).filter(([key]) => !ours.has(key)));
}

function isOurs(requestState: unknown): boolean {
  return typeof requestState === 'string' && requestState.startsWith(STATE);
}

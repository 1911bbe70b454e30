// A tools/call as it may be judged: a tool that a charter can speak of, with parameters that say one thing only. What is
// not is answered at once, and Mandate is not asked.
import { canonicalProblem } from '@mandate/kernel';
import type { JsonObject } from '@mandate/kernel';
import { errorMessage, INVALID_PARAMS, isModern, isObject, resultMessage } from '../api/mcp/message.ts';
import type { Message } from '../api/mcp/message.ts';
import { notRunResult, oddName } from '../api/mcp/tool-result.ts';
import type { NotRun, ResultForm } from '../api/mcp/tool-result.ts';
import type { WantedCall } from './mcp-verdict.ts';

type Request = Extract<Message, { readonly kind: 'request' }>;

export type ReadCall =
  | { readonly kind: 'call'; readonly wanted: WantedCall; readonly form: ResultForm }
  | { readonly kind: 'answer'; readonly message: JsonObject };

export interface CallReading {
  /** The first part of every action's name. */
  readonly upstream: string;
  readonly hasOutputSchema: (tool: string) => boolean;
}

export function readToolCall({ id, params }: Request, { upstream, hasOutputSchema }: CallReading): ReadCall {
  const { name, arguments: parameters = {} } = params;
  const answer = (message: JsonObject): ReadCall => ({ kind: 'answer', message });
  if (typeof name !== 'string' || !isObject(parameters))
    return answer(errorMessage(id, INVALID_PARAMS, 'tools/call takes a name and arguments as an object.'));
  const unclear = canonicalProblem({ parameters });
  if (unclear !== null)
    return answer(errorMessage(id, INVALID_PARAMS, `${unclear.pointer}: ${unclear.message}`));
  const form: ResultForm = {
    isModern: isModern(params),
    // Read when it is answered: the server's list may come in between.
    get hasOutputSchema() {
      return hasOutputSchema(name);
    },
  };
  const action = `${upstream}.${name}`;
  const odd = oddName(name, action);
  if (odd !== null) return answer(resultMessage(id, notRunResult(odd, form)));
  if (params['task'] !== undefined) return answer(resultMessage(id, notRunResult(NO_TASKS, form)));
  return { kind: 'call', wanted: { action, parameters }, form };
}

const NO_TASKS: NotRun = {
  code: 'invalid',
  reasons: ['Calls as tasks are not governed yet.'],
  next: 'Send the call without task.',
  actionId: null,
};

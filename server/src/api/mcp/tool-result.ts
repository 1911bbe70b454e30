// What a client sees in place of a tool's result when its call did not run, or nobody knows whether it did. Text for the
// model, structure for programs, and always the same words whichever way the client is connected.
import type { JsonObject } from '@mandate/kernel';
import { holdsSecret, NO_SECRET } from '../../platform/http/names.ts';
import { isObject } from './message.ts';

export interface NotRun {
  readonly code: string;
  readonly reasons: readonly string[];
  /** What to do next, in one sentence. */
  readonly next: string;
  readonly actionId: string | null;
  readonly approval?:
    | {
        readonly id: string;
        readonly url: string;
        readonly expiresAt: string;
        readonly requiredRoles: readonly string[];
      }
    | undefined;
}

export interface ResultForm {
  /** Revision 2026-07-28 wants every result to say what it is. */
  readonly isModern: boolean;
  /** The tool promises structured output, and older clients hold even an error to that promise. */
  readonly hasOutputSchema: boolean;
}

/** The `_meta` key under which the decision stands also where `structuredContent` has to be left out. */
const META_KEY = 'dev.mandate/decision';

export function notRunResult(
  { code, reasons, next, actionId, approval }: NotRun,
  form: ResultForm,
): JsonObject {
  const decision: JsonObject = {
    code,
    actionId,
    reasons,
    ...(approval === undefined ? {} : { approval: { ...approval } }),
  };
  const text = [`Mandate: ${code}.`, ...reasons, next, actionId === null ? '' : `(action ${actionId})`]
    .filter((part) => part !== '')
    .join(' ');
  return {
    content: [{ type: 'text', text }],
    ...(form.hasOutputSchema ? {} : { structuredContent: { mandate: decision } }),
    isError: true,
    _meta: { [META_KEY]: decision },
    ...(form.isModern ? { resultType: 'complete' } : {}),
  };
}

const NAME = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const ACTION_MAX = 256;

/** A tool whose name no charter could spell is not mapped to another name: two tools would become one action. */
export function oddName(tool: string, action: string): NotRun | null {
  const isSecret = holdsSecret(action);
  if (!isSecret && NAME.test(tool) && NAME.test(action) && action.length <= ACTION_MAX) return null;
  const why = isSecret
    ? `What the call names as its tool ${NO_SECRET}.`
    : `${JSON.stringify(tool.slice(0, 120))} is no tool name that a charter can speak of.`;
  return {
    code: 'invalid',
    reasons: [why],
    next: 'Tool names take letters, digits, _ and -, with dots between them.',
    actionId: null,
  };
}

/** A result that is on record already (an identical call ran it), or that another kind of executor gave. */
export function recordedResult(result: unknown, { isModern }: ResultForm): JsonObject {
  const marked: JsonObject = isModern ? { resultType: 'complete' } : {};
  if (isObject(result) && Array.isArray(result['content'])) return { ...result, ...marked };
  return { content: [{ type: 'text', text: JSON.stringify(result ?? null) }], ...marked };
}

/** How people approve, for the text of a held call. */
export function howToApprove(approval: NotRun['approval']): string {
  if (approval === undefined) return 'Ask for approval, then send the identical call again.';
  const who =
    approval.requiredRoles.length === 0 ? 'a person who may approve' : approval.requiredRoles.join(' and ');
  return `Approval ${approval.id} waits for ${who}: mandate approve ${approval.id} (or ${approval.url}), until ${approval.expiresAt}. Once approved, send the identical call again; it runs once.`;
}

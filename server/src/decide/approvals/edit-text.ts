// Parameters as a person edits them: JSON that shows every character as what it is, and is read back just as strictly
// as a body over HTTP.
import type { Json, JsonObject } from '@mandate/kernel';
import { z } from 'zod';
import { parseGuardedJson } from '../../platform/http/json-guard.ts';
import { HIDDEN } from '../../platform/http/markup.ts';

/** More than this nobody edits in a form; the command line takes it. */
export const EDIT_MAX = 20_000;
/** How every mark of a hidden value begins. */
const MARK = '[redacted:';

const parameters = z.record(z.string(), z.json());

/** JSON for a form. What cannot be seen is spelled out, in JSON's own way, so that it can be sent back. */
export function editText(value: Json, indent: 0 | 2): string {
  return visible(JSON.stringify(value, null, indent));
}

/** What somebody has typed, to be shown to them again. A browser sends lines with carriage returns. */
export function typedText(text: string): string {
  return visible(text.replaceAll('\r\n', '\n'));
}

export function hasHidden(text: string): boolean {
  return text.includes(MARK);
}

export type ReadParameters =
  | { readonly kind: 'parameters'; readonly parameters: JsonObject }
  | { readonly kind: 'wrong'; readonly why: string };

export function readParameters(text: string): ReadParameters {
  const guarded = parseGuardedJson(text.trim());
  if (guarded.kind === 'refused') {
    const { pointer, detail } = guarded;
    const said = detail.replace(/^The body\b/, 'What you wrote');
    return { kind: 'wrong', why: pointer === '' ? said : `${pointer}: ${said}` };
  }
  const parsed = parameters.safeParse(guarded.value);
  return parsed.success
    ? { kind: 'parameters', parameters: parsed.data }
    : { kind: 'wrong', why: 'Parameters are one JSON object: { "name": value, … }.' };
}

function visible(text: string): string {
  return text.replaceAll(HIDDEN, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

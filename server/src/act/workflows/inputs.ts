// The inputs of a run against those that its template declares: all that are asked for, none that are not, each of its
// type. A run that would fail at its third step for a typing error does not begin.
import { suggest } from '@mandate/kernel';
import type { Json, JsonObject, WorkflowTemplate } from '@mandate/kernel';

export type CheckedInputs =
  | { readonly kind: 'right'; readonly inputs: JsonObject }
  | { readonly kind: 'wrong'; readonly detail: string };

export function checkInputs({ inputs: declared }: WorkflowTemplate, given: JsonObject): CheckedInputs {
  const names = Object.keys(declared);
  const wrong: string[] = Object.keys(given)
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => `there is no input ${name}${suggest(name, names)}`);
  const inputs: Record<string, Json> = {};
  for (const [name, setting] of Object.entries(declared)) {
    const value = Object.hasOwn(given, name) ? given[name] : setting.default;
    if (value === undefined) wrong.push(`the input ${name} (${setting.type}) is missing`);
    else if (typeName(value) !== setting.type)
      wrong.push(`the input ${name} is a ${typeName(value)} and has to be a ${setting.type}`);
    else inputs[name] = value;
  }
  return wrong.length === 0
    ? { kind: 'right', inputs }
    : { kind: 'wrong', detail: `/input: ${wrong.join('; ')}.` };
}

function typeName(value: Json): string {
  if (Array.isArray(value)) return 'list';
  return value === null ? 'null' : typeof value;
}

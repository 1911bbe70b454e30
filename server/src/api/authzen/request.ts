// What an AuthZEN request says, read as the standard wants it: required members are asked for by name, unknown ones
// passed over. OpenID AuthZEN Authorization API 1.0, openid.net/specs/authorization-api-1_0.html.
import { canonicalProblem } from '@mandate/kernel';
import type { Json, JsonObject } from '@mandate/kernel';
import { isPlainText } from '../../platform/http/fields.ts';
import { holdsSecret, IS_ACTION_NAME, isDottedName, NO_SECRET } from '../../platform/http/names.ts';

export interface Entity {
  readonly type: string;
  readonly id: string;
  readonly properties: JsonObject;
}

export interface Evaluation {
  readonly subject: Entity;
  readonly action: { readonly name: string; readonly properties: JsonObject };
  readonly resource: Entity;
  readonly context: JsonObject;
}

export type Read<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'bad'; readonly pointer: string; readonly detail: string };

const TEXT_MAX = 300;

/** A single evaluation; `defaults` are the top-level members of a batch, which fill whole entities and missing names. */
export function readEvaluation(body: unknown, defaults: JsonObject = {}): Read<Evaluation> {
  if (!isObject(body)) return bad('', 'must be a JSON object');
  const subject = readEntity('subject', body, defaults);
  if (subject.kind === 'bad') return subject;
  const action = readAction(body, defaults);
  if (action.kind === 'bad') return action;
  const resource = readEntity('resource', body, defaults);
  if (resource.kind === 'bad') return resource;
  const context = readContext(body, defaults);
  if (context.kind === 'bad') return context;
  if (!isDottedName(fullName(action.value.name, resource.value.type)))
    return bad('/resource/type', `with the name of the action ${IS_ACTION_NAME}`);
  return {
    kind: 'read',
    value: {
      subject: subject.value,
      action: action.value,
      resource: resource.value,
      context: context.value,
    },
  };
}

/** The action as the charter calls it: a name with a dot is the whole of it, any other belongs to what it is done to. */
export function fullName(action: string, resourceType: string): string {
  return action.includes('.') ? action : `${resourceType}.${action}`;
}

/** A subject or resource with both `type` and `id`. */
export function readEntity(
  name: 'subject' | 'resource',
  body: JsonObject,
  defaults: JsonObject = {},
): Read<Entity> {
  const read = readTyped(name, body, defaults);
  if (read.kind === 'bad') return read;
  const { id } = read.value;
  return id === null
    ? bad(`/${name}/id`, 'must be a string, but it is missing')
    : { kind: 'read', value: { ...read.value, id } };
}

/** A subject or resource that is searched for: its `type` alone is required. */
export function readTyped(
  name: 'subject' | 'resource',
  body: JsonObject,
  defaults: JsonObject = {},
): Read<{ readonly type: string; readonly id: string | null; readonly properties: JsonObject }> {
  const given = memberOf(name, body, defaults);
  if (given.kind === 'bad') return given;
  const type = readText(`/${name}/type`, given.value['type']);
  if (type.kind === 'bad') return type;
  // A secret in what is touched is a finding, as at every door; a subject is a name.
  const read = name === 'resource' ? readLine : readText;
  const id = given.value['id'] === undefined ? null : read(`/${name}/id`, given.value['id']);
  if (id !== null && id.kind === 'bad') return id;
  const properties = readProperties(name, given.value);
  if (properties.kind === 'bad') return properties;
  return {
    kind: 'read',
    value: { type: type.value, id: id === null ? null : id.value, properties: properties.value },
  };
}

export function readAction(body: JsonObject, defaults: JsonObject = {}): Read<Evaluation['action']> {
  const given = memberOf('action', body, defaults);
  if (given.kind === 'bad') return given;
  const name = readText('/action/name', given.value['name']);
  if (name.kind === 'bad') return name;
  if (!isDottedName(name.value)) return bad('/action/name', IS_ACTION_NAME);
  const properties = readProperties('action', given.value);
  if (properties.kind === 'bad') return properties;
  return { kind: 'read', value: { name: name.value, properties: properties.value } };
}

export function readContext(body: JsonObject, defaults: JsonObject = {}): Read<JsonObject> {
  const context = body['context'] ?? defaults['context'] ?? {};
  if (!isObject(context)) return bad('/context', 'must be a JSON object');
  return plain('/context', context);
}

/** A member replaces its default whole; only a `type`, `id` or `name` that it leaves out is taken from there. */
function memberOf(name: string, body: JsonObject, defaults: JsonObject): Read<JsonObject> {
  const own = body[name];
  const fallback = defaults[name];
  if (own === undefined && fallback === undefined)
    return bad(`/${name}`, 'must be a JSON object, but it is missing');
  const given = own ?? fallback;
  if (!isObject(given)) return bad(`/${name}`, 'must be a JSON object');
  if (own === undefined || !isObject(fallback)) return { kind: 'read', value: given };
  const filled: Record<string, Json> = { ...given };
  for (const part of ['type', 'id', 'name']) {
    const missing = fallback[part];
    if (filled[part] === undefined && missing !== undefined) filled[part] = missing;
  }
  return { kind: 'read', value: filled };
}

function readText(pointer: string, value: unknown): Read<string> {
  const read = readLine(pointer, value);
  return read.kind === 'read' && holdsSecret(read.value) ? bad(pointer, NO_SECRET) : read;
}

function readLine(pointer: string, value: unknown): Read<string> {
  if (value === undefined) return bad(pointer, 'must be a string, but it is missing');
  if (typeof value !== 'string') return bad(pointer, 'must be a string');
  if (value === '') return bad(pointer, 'must not be empty');
  if (value.length > TEXT_MAX) return bad(pointer, `must have at most ${TEXT_MAX} characters`);
  return isPlainText(value)
    ? { kind: 'read', value }
    : bad(pointer, 'must be without control characters and characters that turn the direction of writing');
}

function readProperties(name: string, given: JsonObject): Read<JsonObject> {
  const properties = given['properties'] ?? {};
  if (!isObject(properties)) return bad(`/${name}/properties`, 'must be a JSON object');
  return plain(`/${name}/properties`, properties);
}

/** What cannot be written in one canonical way can be neither digested nor decided. */
function plain(pointer: string, value: JsonObject): Read<JsonObject> {
  const problem = canonicalProblem(value);
  return problem === null ? { kind: 'read', value } : bad(pointer + problem.pointer, problem.message);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(pointer: string, detail: string): Extract<Read<never>, { kind: 'bad' }> {
  return { kind: 'bad', pointer, detail };
}

// Several evaluations in one message ("boxcarring"): defaults at the top level, three ways of going through the list,
// and a mistake in one item is that item's `false`, not the end of the others.
import type { JsonObject } from '@mandate/kernel';
import type { AuthzenDecision, Evaluated } from './evaluate.ts';
import { isObject, readEvaluation } from './request.ts';
import type { Evaluation, Read } from './request.ts';

const ITEMS_MAX = 100;
/** Items looked at side by side where all of them are wanted. */
const SIDE_BY_SIDE = 8;

type Semantic = 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit';

export interface Batch {
  readonly semantic: Semantic;
  readonly items: readonly Read<Evaluation>[];
}

/** null: no `evaluations`, so the message is a single evaluation. */
export function readBatch(body: unknown): Read<Batch> | null {
  if (!isObject(body)) return { kind: 'bad', pointer: '', detail: 'must be a JSON object' };
  const list = body['evaluations'];
  if (list === undefined || (Array.isArray(list) && list.length === 0)) return null;
  if (!Array.isArray(list)) return { kind: 'bad', pointer: '/evaluations', detail: 'must be an array' };
  if (list.length > ITEMS_MAX) {
    const detail = `has ${list.length} items; send at most ${ITEMS_MAX} in one message`;
    return { kind: 'bad', pointer: '/evaluations', detail };
  }
  const semantic = readSemantic(body);
  if (semantic === null) {
    const detail = 'must be execute_all, deny_on_first_deny or permit_on_first_permit';
    return { kind: 'bad', pointer: '/options/evaluations_semantic', detail };
  }
  const { evaluations: _list, options: _options, ...defaults } = body;
  const items = list.map((item: unknown) => readEvaluation(item, defaults));
  return { kind: 'read', value: { semantic, items } };
}

function readSemantic(body: JsonObject): Semantic | null {
  const options = body['options'] ?? {};
  if (!isObject(options)) return null;
  const given = options['evaluations_semantic'] ?? 'execute_all';
  return given === 'execute_all' || given === 'deny_on_first_deny' || given === 'permit_on_first_permit'
    ? given
    : null;
}

export async function evaluateBatch(
  { semantic, items }: Batch,
  one: (evaluation: Evaluation) => Promise<Evaluated>,
): Promise<readonly AuthzenDecision[]> {
  const answers: AuthzenDecision[] = [];
  const width = semantic === 'execute_all' ? SIDE_BY_SIDE : 1;
  for (let at = 0; at < items.length; at += width) {
    const next = await Promise.all(items.slice(at, at + width).map((item) => answerTo(item, one)));
    answers.push(...next);
    const last = answers.at(-1);
    if (semantic === 'deny_on_first_deny' && last?.decision === false) break;
    if (semantic === 'permit_on_first_permit' && last?.decision === true) break;
  }
  return answers;
}

async function answerTo(
  item: Read<Evaluation>,
  one: (evaluation: Evaluation) => Promise<Evaluated>,
): Promise<AuthzenDecision> {
  if (item.kind === 'bad') return failed(400, `${item.pointer}: ${item.detail}`);
  const evaluated = await one(item.value);
  return evaluated.kind === 'decided' ? evaluated.answer : failed(403, evaluated.refusal.detail);
}

function failed(status: number, message: string): AuthzenDecision {
  return { decision: false, context: { error: { status, message } } };
}

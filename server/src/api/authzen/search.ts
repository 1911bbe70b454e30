// Who may, what may be touched, what may be done: each candidate that the charter or the records know is evaluated, and
// those that would be allowed are the answer, so a result fed back into an evaluation is `true` as long as nothing moved.
import type { JsonObject } from '@mandate/kernel';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Evaluated } from './evaluate.ts';
import { isObject, readAction, readContext, readEntity, readTyped } from './request.ts';
import type { Evaluation, Read } from './request.ts';

export interface SearchNeeds {
  /** Names known of a kind, sorted: agents for `agent`, people for `user`, ids of resources of a type, action names. */
  readonly known: {
    readonly subjects: (asker: Asker, type: string) => Promise<readonly string[]>;
    readonly resources: (asker: Asker, type: string) => Promise<readonly string[]>;
    readonly actions: (asker: Asker) => Promise<readonly string[]>;
  };
  readonly evaluate: (asker: Asker, evaluation: Evaluation) => Promise<Evaluated>;
}

export interface SearchResult {
  readonly results: readonly JsonObject[];
  readonly page: { readonly next_token: string; readonly count: number };
}

export type Kind = 'subject' | 'resource' | 'action';

interface Page {
  readonly limit: number;
  /** The last candidate of the page before. */
  readonly after: string | null;
}

const LIMIT = 50;
/** One request looks at this many candidates at most; the token goes on from there. */
const LOOKED_AT_MAX = 500;
const SIDE_BY_SIDE = 8;

interface Question {
  readonly candidates: readonly string[];
  readonly about: (candidate: string) => Evaluation;
  readonly shown: (candidate: string) => JsonObject;
}

export async function search(
  needs: SearchNeeds,
  asker: Asker,
  { kind, body }: { readonly kind: Kind; readonly body: unknown },
): Promise<Read<SearchResult>> {
  if (!isObject(body)) return { kind: 'bad', pointer: '', detail: 'must be a JSON object' };
  const page = readPage(body);
  if (page.kind === 'bad') return page;
  const question = await QUESTIONS[kind](needs, asker, body);
  if (question.kind === 'bad') return question;
  return { kind: 'read', value: await answer(needs, asker, { ...question.value, page: page.value }) };
}

async function answer(
  { evaluate }: SearchNeeds,
  asker: Asker,
  { candidates, about, shown, page }: Question & { readonly page: Page },
): Promise<SearchResult> {
  const { after } = page;
  const open = after === null ? candidates : candidates.filter((candidate) => candidate > after);
  const results: JsonObject[] = [];
  let looked = 0;
  while (looked < open.length && looked < LOOKED_AT_MAX && results.length < page.limit) {
    const next = open.slice(looked, looked + SIDE_BY_SIDE);
    const answers = await Promise.all(next.map((candidate) => evaluate(asker, about(candidate))));
    for (const [at, candidate] of next.entries()) {
      if (results.length === page.limit) break;
      looked += 1;
      const evaluated = answers[at];
      if (evaluated?.kind === 'decided' && evaluated.answer.decision) results.push(shown(candidate));
    }
  }
  const last = open[looked - 1];
  const isMore = looked < open.length && last !== undefined;
  return {
    results,
    page: {
      next_token: isMore ? Buffer.from(last).toString('base64url') : '',
      count: results.length,
    },
  };
}

type Ask = (needs: SearchNeeds, asker: Asker, body: JsonObject) => Promise<Read<Question>>;

const QUESTIONS: Readonly<Record<Kind, Ask>> = {
  async subject({ known }, asker, body) {
    const subject = readTyped('subject', body);
    if (subject.kind === 'bad') return subject;
    const rest = readRest(body, ['action', 'resource']);
    if (rest.kind === 'bad') return rest;
    const { type, properties } = subject.value;
    const candidates = await known.subjects(asker, type);
    const about = (id: string): Evaluation => ({ ...rest.value, subject: { type, id, properties } });
    return { kind: 'read', value: { candidates, about, shown: (id) => ({ type, id }) } };
  },
  async resource({ known }, asker, body) {
    const resource = readTyped('resource', body);
    if (resource.kind === 'bad') return resource;
    const rest = readRest(body, ['subject', 'action']);
    if (rest.kind === 'bad') return rest;
    const { type, properties } = resource.value;
    const candidates = await ifKnown(known, asker, rest.value, () => known.resources(asker, type));
    const about = (id: string): Evaluation => ({ ...rest.value, resource: { type, id, properties } });
    return { kind: 'read', value: { candidates, about, shown: (id) => ({ type, id }) } };
  },
  async action({ known }, asker, body) {
    const rest = readRest(body, ['subject', 'resource']);
    if (rest.kind === 'bad') return rest;
    const prefix = `${rest.value.resource.type}.`;
    const candidates = await ifKnown(known, asker, rest.value, async () =>
      (await known.actions(asker)).flatMap((name) =>
        name.startsWith(prefix) && name.length > prefix.length ? [name.slice(prefix.length)] : [],
      ),
    );
    const about = (name: string): Evaluation => ({ ...rest.value, action: { name, properties: {} } });
    return { kind: 'read', value: { candidates, about, shown: (name) => ({ name }) } };
  },
};

/** Of somebody nobody knows nothing is found, whatever strangers in general may do. */
async function ifKnown(
  known: SearchNeeds['known'],
  asker: Asker,
  { subject }: Pick<Evaluation, 'subject'>,
  candidates: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const subjects = await known.subjects(asker, subject.type);
  return subjects.includes(subject.id) ? candidates() : [];
}

const NOBODY = { type: '', id: '', properties: {} };

/** The members that a search does not look for, all required; what it looks for is filled in for each candidate. */
function readRest(body: JsonObject, wanted: readonly Kind[]): Read<Evaluation> {
  let { subject, action, resource }: Omit<Evaluation, 'context'> = {
    subject: NOBODY,
    action: { name: '', properties: {} },
    resource: NOBODY,
  };
  if (wanted.includes('subject')) {
    const read = readEntity('subject', body);
    if (read.kind === 'bad') return read;
    subject = read.value;
  }
  if (wanted.includes('action')) {
    const read = readAction(body);
    if (read.kind === 'bad') return read;
    action = read.value;
  }
  if (wanted.includes('resource')) {
    const read = readEntity('resource', body);
    if (read.kind === 'bad') return read;
    resource = read.value;
  }
  const context = readContext(body);
  if (context.kind === 'bad') return context;
  return { kind: 'read', value: { subject, action, resource, context: context.value } };
}

function readPage(body: JsonObject): Read<Page> {
  const page = body['page'] ?? {};
  if (!isObject(page)) return { kind: 'bad', pointer: '/page', detail: 'must be a JSON object' };
  const limit = page['limit'] ?? LIMIT;
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1)
    return { kind: 'bad', pointer: '/page/limit', detail: 'must be a whole number of 1 or more' };
  const token = page['token'] ?? '';
  if (typeof token !== 'string')
    return { kind: 'bad', pointer: '/page/token', detail: 'must be the next_token of the page before' };
  const after = token === '' ? null : Buffer.from(token, 'base64url').toString('utf8');
  return { kind: 'read', value: { limit: Math.min(limit, LIMIT), after } };
}

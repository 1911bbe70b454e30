// Which parts of an action come from somewhere that nobody vouches for: a web page, a mail, another agent. What was
// read earlier is compared with what is about to be done; what the agent itself marks as untrusted is believed, because
// a claim may make a decision stricter. Nothing here tells whether such a text is hostile.
import type { Action, Json, JsonObject } from './action.ts';
import { inside, isList, PARAMETERS, pointerOf, textLeaves } from './finding/leaves.ts';
import type { Passages } from './taint-passages.ts';
import { createPassages, readPlain } from './taint-passages.ts';

/** One place of an action that holds something untrusted. */
export interface TaintMark {
  /** JSON pointer (RFC 6901) into the action; `/parameters` where no single place can be named. */
  readonly pointer: string;
  /**
   * `value`: a whole text of the source. `passage`: at least 16 characters of it. `claim`: the agent says so. `unseen`:
   * the source is on record and its content is not, or there is too much of it, so anything may come from there.
   */
  readonly how: 'value' | 'passage' | 'claim' | 'unseen';
  /** The act that brought it in, and its action; null for a claim. */
  readonly actId: string | null;
  readonly action: string | null;
  /** Its source is known by the agent's word only: it reported what came back, or marked it as untrusted. */
  readonly claimed?: true;
}

/** What one earlier act brought in. */
export interface TaintSource {
  readonly actId: string;
  readonly action: string;
  /** null: nobody here has seen it. */
  readonly passages: Passages | null;
  /** Only the agent says what is in it. */
  readonly claimed?: boolean;
}

/** One mark for each place and source is enough; more would say nothing new. */
const MAX_MARKS = 20;
/** Comparisons for one action, about a tenth of a second: beyond, nothing more is compared and everything counts as tainted. */
const MAX_STEPS = 20_000_000;

/** Makes what an act brought in ready to be recognised: every text in it, keys included. */
export function readSource(content: Json): Passages {
  return createPassages(textLeaves(content).map(({ text }) => text));
}

/** The places of an action's parameters that hold a text of one of the sources. Time is bounded; what exceeds it counts as found. */
export function traceTaint(action: Action, sources: readonly TaintSource[]): readonly TaintMark[] {
  const marks: TaintMark[] = [];
  const seen: TaintSource[] = [];
  for (const source of sources) {
    if (source.passages === null) marks.push(unseen(source));
    else seen.push(source);
  }
  if (seen.length === 0) return marks.slice(0, MAX_MARKS);
  const budget = { left: MAX_STEPS };
  for (const { text, place } of textLeaves(action.parameters)) {
    const plain = readPlain(text);
    for (const source of seen) {
      const how = source.passages?.holds(plain, budget) ?? null;
      if (how !== null) {
        marks.push(markOf(source, pointerOf(place), how));
      }
      if (budget.left <= 0) return [...marks.slice(0, MAX_MARKS - 1), unseen(source)];
      if (marks.length >= MAX_MARKS) return marks;
    }
  }
  return marks;
}

function unseen(source: TaintSource): TaintMark {
  return markOf(source, '/parameters', 'unseen');
}

function markOf(
  { actId, action, claimed: isClaimed }: TaintSource,
  pointer: string,
  how: TaintMark['how'],
): TaintMark {
  return { pointer, how, actId, action, ...(isClaimed === true ? { claimed: true } : {}) };
}

/** Whether a mark is there whatever the agent says, or leaves unsaid. */
export function isCertain({ how, claimed: isClaimed }: TaintMark): boolean {
  return (how === 'value' || how === 'passage') && isClaimed !== true;
}

/** Everything untrusted about an action: what was gathered, and what the agent itself says of it. */
export function taintOf(action: Action, gathered: readonly TaintMark[] | undefined): readonly TaintMark[] {
  const known = gathered ?? NONE;
  // Own properties only: a key that is not there must not be found on a prototype.
  const inContext = Object.hasOwn(action.context, 'untrusted') ? action.context['untrusted'] : undefined;
  const inParameters = Object.hasOwn(action.parameters, 'untrusted')
    ? action.parameters['untrusted']
    : undefined;
  if (inContext === undefined && inParameters === undefined) return known;
  return [...known, ...claims(inContext, action), ...claims(inParameters, action)];
}

const NONE: readonly TaintMark[] = [];

/** Whether an agent marks anything of the action itself as untrusted. */
export function hasTaintClaim(action: Action): boolean {
  return taintOf(action, NONE).length > 0;
}

/** The values that the agent marks as untrusted, so that they are recognised later. */
export function claimedContent(action: Action): readonly Json[] {
  return taintOf(action, NONE).flatMap(({ pointer }) => {
    const found = valueAt(action.parameters, pointer);
    return found === undefined ? [] : [found];
  });
}

// `true` means all of it, texts are names or pointers of parameters, and anything else is the untrusted value itself.
function claims(claim: Json | undefined, action: Action): readonly TaintMark[] {
  if (claim === undefined || claim === null || claim === false) return NONE;
  if (claim === true) return [claimed('/parameters')];
  const names = typeof claim === 'string' ? [claim] : claim;
  if (!isList(names) || !names.every((name) => typeof name === 'string')) return [claimed(UNTRUSTED)];
  return names.slice(0, MAX_MARKS).map((name) => {
    const pointer = name.startsWith('/') ? name : pointerOf(inside(PARAMETERS, name));
    // A name that leads nowhere was meant for something: all of it, then.
    return claimed(valueAt(action.parameters, pointer) === undefined ? '/parameters' : pointer);
  });
}

const UNTRUSTED = '/parameters/untrusted';

function claimed(pointer: string): TaintMark {
  return { pointer, how: 'claim', actId: null, action: null };
}

function valueAt(parameters: JsonObject, pointer: string): Json | undefined {
  const [, root, ...tokens] = pointer.split('/');
  if (root !== 'parameters') return undefined;
  let node: Json | undefined = parameters;
  for (const token of tokens) {
    if (typeof node !== 'object' || node === null) return undefined;
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (isList(node)) node = /^\d{1,9}$/.test(key) ? node[Number(key)] : undefined;
    else node = Object.hasOwn(node, key) ? node[key] : undefined;
  }
  return node;
}

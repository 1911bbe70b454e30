// Guardrails from outside the kernel: functions of a program that embeds Mandate, and services reached by HTTP. All of
// them look at the same time, within a budget each; one that is late, throws or answers nonsense has failed, because
// what did not look cannot have found nothing (I5).
import { anyPatternCovers, guardrailNameProblem, patternProblem, redact, redactText } from '@mandate/kernel';
import type { Action, Finding, FindingSeverity, GuardrailPlugin, JsonObject, Law } from '@mandate/kernel';
import { z } from 'zod';

/** What a plug-in is asked. */
export interface GuardrailCall {
  readonly tenant: string;
  /** The whole action, secrets included: a function runs in this process. A copy; changing it changes nothing. */
  readonly action: Action;
  /** Aborted when its time is over. */
  readonly signal: AbortSignal;
}

/** One thing that a plug-in found. `check` is its own name, whatever it says. */
export interface PluginFinding {
  readonly severity: FindingSeverity;
  readonly message: string;
  /** JSON pointer into the action, such as `/parameters/path`. */
  readonly pointer?: string | null;
}

/** Answers with what it found: nothing, one finding, or a list. Throwing means that it has failed. */
export type GuardrailFunction = (call: GuardrailCall) => unknown;

export interface GuardrailOptions {
  /** Under which name its findings appear and the charter may require it; the function's own name unless given. */
  readonly name?: string | undefined;
  /** 250 unless given. */
  readonly timeoutMs?: number | undefined;
}

export interface Plugins {
  /** Throws for a pattern or a name that is none, and for a name that is taken: mistakes of the program, not of an agent. */
  register(pattern: string, fn: GuardrailFunction, options?: GuardrailOptions): void;
  /** What all that look at this action have found; null where nothing looks at it. Never rejects. */
  findingsOf(tenant: string, action: Action, law: Law): Promise<readonly Finding[]> | null;
}

export interface PluginsNeeds {
  /** Milliseconds that never go backwards: what keeps the whole process busy is late although no timer could say so. */
  readonly monotonicMs: () => number;
  /** Calls `run` once after `waitMs` unless the returned function is called first. */
  readonly after: (waitMs: number, run: () => void) => () => void;
  /** Sends a question to the service of a plug-in and answers with its JSON. Rejects when it could not, or with no 2xx. */
  readonly ask: (question: {
    readonly name: string;
    readonly tenant: string;
    readonly plugin: GuardrailPlugin;
    readonly body: JsonObject;
    readonly signal: AbortSignal;
  }) => Promise<unknown>;
}

const TIMEOUT_MS = 250;
const MAX_FINDINGS = 20;
const MAX_MESSAGE = 500;

const finding = z.strictObject({
  severity: z.enum(['info', 'warning', 'error', 'critical']),
  message: z.string().min(1),
  pointer: z.string().startsWith('/').max(1_000).nullable().optional(),
});
/** What a service has to say: silence may come from whatever stands before it, and is no answer. */
const replied = z.union([
  finding.transform((one) => [one]),
  z.array(finding),
  z.strictObject({ findings: z.array(finding) }).transform(({ findings }) => findings),
]);
const answered = z.union([z.null().transform(() => []), z.undefined().transform(() => []), replied]);

interface Looker {
  readonly name: string;
  readonly timeoutMs: number;
  readonly answer: typeof answered | typeof replied;
  readonly look: (signal: AbortSignal) => unknown;
}

interface Registered {
  readonly name: string;
  readonly pattern: string;
  readonly fn: GuardrailFunction;
  readonly timeoutMs: number;
}

export function createPlugins({ monotonicMs, after, ask }: PluginsNeeds): Plugins {
  const functions: Registered[] = [];

  function lookersOf(tenant: string, action: Action, law: Law): readonly Looker[] {
    const lookers: Looker[] = [];
    for (const { name, pattern, fn, timeoutMs } of functions) {
      if (!anyPatternCovers([pattern], action.action)) continue;
      const look = (signal: AbortSignal): unknown => fn({ tenant, action: structuredClone(action), signal });
      lookers.push({ name, timeoutMs, answer: answered, look });
    }
    for (const [name, plugin] of Object.entries(law.charter.guardrails.plugins ?? {})) {
      if (plugin.actions.length > 0 && !anyPatternCovers(plugin.actions, action.action)) continue;
      const body = questionOf(name, action, plugin.full);
      const look = (signal: AbortSignal): unknown => ask({ name, tenant, plugin, body, signal });
      lookers.push({ name, timeoutMs: plugin.timeoutMs, answer: replied, look });
    }
    return lookers;
  }

  /** What the charter requires and nobody here could run. */
  function missing({ charter: { guardrails } }: Law): readonly Finding[] {
    if (guardrails.required === undefined) return NOTHING;
    return guardrails.required
      .filter(
        (name) =>
          !functions.some((known) => known.name === name) && !Object.hasOwn(guardrails.plugins ?? {}, name),
      )
      .map((name) =>
        failed(
          name,
          'is required by the charter (guardrails.required), and this process has none of that name. Register it, or take it out of the charter',
        ),
      );
  }

  async function run(looker: Looker): Promise<readonly Finding[]> {
    const { name, timeoutMs } = looker;
    const controller = new AbortController();
    const isLate = [failed(name, `gave no answer within ${timeoutMs} ms`)];
    const startedMs = monotonicMs();
    const { promise: late, resolve } = Promise.withResolvers<readonly Finding[]>();
    const cancel = after(timeoutMs, () => {
      resolve(isLate);
      controller.abort(new Error('The time of this guardrail is over.'));
    });
    try {
      const found = await Promise.race([settle(looker, controller.signal), late]);
      return monotonicMs() - startedMs > timeoutMs ? isLate : found;
    } finally {
      cancel();
    }
  }

  return {
    register(pattern, fn, { name = fn.name, timeoutMs = TIMEOUT_MS } = {}) {
      const who = `registerGuardrail("${pattern}")`;
      const wrong = patternProblem(pattern) ?? guardrailNameProblem(name);
      if (wrong !== null) throw new Error(`${who}: ${wrong}`);
      if (functions.some((known) => known.name === name))
        throw new Error(`${who}: a guardrail "${name}" is registered already; give this one another name`);
      if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
        throw new Error(`${who}: a time budget lies above 0 and within ${MAX_TIMEOUT_MS} ms`);
      functions.push({ name, pattern, fn, timeoutMs });
    },
    findingsOf(tenant, action, law) {
      const lookers = lookersOf(tenant, action, law);
      const gone = missing(law);
      if (lookers.length === 0) return gone.length === 0 ? null : Promise.resolve(gone);
      return Promise.all(lookers.map(run)).then((found) => [...gone, ...found.flat()]);
    },
  };
}

const NOTHING: readonly Finding[] = [];
const MAX_TIMEOUT_MS = 10_000;

async function settle({ name, answer, look }: Looker, signal: AbortSignal): Promise<readonly Finding[]> {
  let said: unknown;
  try {
    said = await look(signal);
  } catch (error) {
    return [
      failed(
        name,
        `broke: ${error instanceof Error ? error.message.replace(/\.$/, '') : 'it threw no error'}`,
      ),
    ];
  }
  const parsed = answer.safeParse(said);
  if (!parsed.success)
    return [
      failed(
        name,
        'answered something that is no finding. A finding has a severity, a message, a pointer or none, and nothing else; whoever finds nothing says []',
      ),
    ];
  if (parsed.data.length > MAX_FINDINGS)
    return [failed(name, `answered with more than ${MAX_FINDINGS} findings. Put them together`)];
  return parsed.data.map(({ severity, message, pointer }) => ({
    check: name,
    severity,
    message: shown(message),
    pointer: pointer === undefined || pointer === null ? null : redactText(pointer),
  }));
}

function failed(name: string, why: string): Finding {
  return {
    check: name,
    severity: 'error',
    message: shown(`The guardrail ${name} has failed: it ${why}.`),
    pointer: null,
  };
}

/** A message of a stranger goes into decisions and the journal: without secrets and not endless (I9). */
function shown(text: string): string {
  return redactText(text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text);
}

function questionOf(name: string, action: Action, isFull: boolean): JsonObject {
  const { agent, action: wanted, parameters, context, resource, user, chain, onBehalfOf } = action;
  return {
    guardrail: name,
    agent,
    action: wanted,
    parameters: isFull ? parameters : redact(parameters),
    context: isFull ? context : redact(context),
    resource: resource === null ? null : { type: redactText(resource.type), id: redactText(resource.id) },
    user: user === null ? null : { id: user.id },
    chain: [...chain],
    onBehalfOf,
    estimatedCostUsd: action.costMicroUsd === null ? null : action.costMicroUsd / 1_000_000,
  };
}

// What a workflow asks of the road and of its neighbours, in its own words: it may ask for actions like any agent, and
// knows nothing of how they are decided or done.
import type { Decision, Json, JsonObject } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';

export interface WantedStep {
  readonly agent: string;
  readonly action: string;
  readonly parameters: JsonObject;
  readonly context: JsonObject;
  readonly resource: { readonly type: string; readonly id: string } | null;
  readonly user: { readonly id: string } | null;
  readonly onBehalfOf: string | null;
  readonly estimatedCostMicroUsd: number | null;
  readonly idempotency: { readonly key: string; readonly digest: string; readonly isNew: boolean } | null;
  readonly attach: boolean;
  readonly compensates: string | null;
  /** The piece of work that it belongs to: what one step of it read, the others may not carry anywhere. */
  readonly run: string | null;
}

export interface SeenAct {
  readonly id: string;
  readonly status: string;
  readonly result?: Json;
  readonly error?: string;
  readonly permit?: string;
}

export type RoadAnswer =
  | { readonly kind: 'act'; readonly view: SeenAct }
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      readonly actId: string | null;
    };

export type RoadPreview =
  | { readonly kind: 'decision'; readonly decision: Decision }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type CancelAnswer =
  | { readonly kind: 'done'; readonly act: { readonly status: string; readonly startedMs: number | null } }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Road {
  request(asker: Asker, wanted: WantedStep): Promise<RoadAnswer>;
  preview(asker: Asker, wanted: WantedStep): Promise<RoadPreview>;
  /** Asks an act to end that waits or runs. One that runs has ended only once its act says so. */
  cancel(asker: Asker, actId: string, reason: string): Promise<CancelAnswer>;
  /** Whether whoever started the run could still ask for its steps. */
  stands(asker: Asker): Promise<boolean>;
  /** The same, asked anew: `stands` may answer what was true a moment ago. */
  standsNow(asker: Asker): Promise<boolean>;
  /** Whether Mandate itself executes this action in this process. */
  executes(tenant: string, action: string): Promise<boolean>;
}

/**
 * Begins with a letter that no caller's key may hold, so that nobody else begins a step of a run. It names the last
 * steering that whoever begins the step has seen: what was decided on before people steered the run begins no more.
 */
export function stepKey(
  run: { readonly id: string; readonly steering: number },
  step: { readonly attempt: number; readonly instance: string },
): string {
  return `§${run.id}/${step.attempt}.${run.steering}/${step.instance}`;
}

/** What a stop, a freeze or a full limit holds back is asked for again later; everything else is an answer. */
const PASSING: ReadonlySet<string> = new Set([
  'stopped',
  'frozen',
  'throttled',
  'limit_exceeded',
  'overloaded',
  'unavailable',
  'stale',
  'sealed',
]);

export function isPassing(code: string): boolean {
  return PASSING.has(code);
}

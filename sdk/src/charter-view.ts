// What the server says of the charter now: what is wrong with it, why it decides as it does and whether its cases hold,
// read from unknown JSON.
import type { Tier } from '@mandate/kernel';
import { readDecision } from './act-view.ts';
import { fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { Fields } from './guard.ts';
import type { DecisionView } from './decision-view.ts';

/** A mistake in a charter, or what is sound and yet in vain. Lines and columns count from 1. */
export interface CharterMessage {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `tiers.yellow.actions[3].when`; empty for the file as a whole. */
  readonly pointer: string;
  readonly message: string;
  /** All of it in one line. */
  readonly text: string;
}

export type PolicyCheck =
  | { readonly ok: true; readonly version: string; readonly warnings: readonly CharterMessage[] }
  | { readonly ok: false; readonly problems: readonly CharterMessage[] };

/** A rule that names the action, and why it did or did not decide. */
export interface Considered {
  readonly pattern: string;
  readonly tier: Tier;
  readonly origin: string;
  readonly final: boolean;
  /** Values by selector; empty: for everybody. */
  readonly selectors: Readonly<Record<string, readonly string[]>>;
  readonly when: string | null;
  /** `matched` decides; `selectors`, `condition`, `claims`, `beaten`, `less_specific` say why it did not. */
  readonly standing: string;
  readonly why: string;
}

export interface Explanation {
  readonly decision: DecisionView;
  /** In the order in which rules are tried. */
  readonly considered: readonly Considered[];
  /** Where no rule names the action: the name that was perhaps meant. */
  readonly meant: string | null;
}

export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  /** What is not as expected. */
  readonly problems: readonly string[];
  readonly decision: {
    readonly tier: Tier;
    readonly effect: string;
    readonly code: string;
    readonly rule: string | null;
    readonly reasons: readonly string[];
  };
}

export type PolicyTest =
  | {
      /** Every case holds. */
      readonly ok: boolean;
      readonly version: string;
      readonly passed: number;
      readonly failed: number;
      readonly results: readonly CaseResult[];
    }
  /** The charter itself has mistakes. */
  | { readonly ok: false; readonly problems: readonly CharterMessage[] };

const TIERS = ['green', 'yellow', 'red', 'black'] as const satisfies readonly Tier[];

export function readCheck(value: unknown): PolicyCheck {
  const check = fieldsOf(value, 'the answer');
  if (!truthOf(check['ok'], 'ok')) return refused(check);
  return {
    ok: true,
    version: idOf(check['version'], 'version'),
    warnings: listOf(check['warnings'], readMessage, 'warnings'),
  };
}

function refused(answer: Fields): { readonly ok: false; readonly problems: readonly CharterMessage[] } {
  return { ok: false, problems: listOf(answer['problems'], readMessage, 'problems') };
}

function readMessage(value: unknown, where: string): CharterMessage {
  const message = fieldsOf(value, where);
  return {
    file: textOf(message['file'], `${where}.file`),
    line: numberOf(message['line'], `${where}.line`),
    column: numberOf(message['column'], `${where}.column`),
    pointer: textOf(message['pointer'], `${where}.pointer`),
    message: textOf(message['message'], `${where}.message`),
    text: textOf(message['text'], `${where}.text`),
  };
}

export function readExplanation(value: unknown): Explanation {
  const answer = fieldsOf(value, 'the answer');
  return {
    decision: readDecision(answer['decision'], 'decision'),
    considered: listOf(answer['considered'], readConsidered, 'considered'),
    meant: optional(answer['meant'], textOf, 'meant'),
  };
}

function readConsidered(value: unknown, where: string): Considered {
  const rule = fieldsOf(value, where);
  return {
    pattern: textOf(rule['pattern'], `${where}.pattern`),
    tier: wordOf(rule['tier'], TIERS, `${where}.tier`),
    origin: textOf(rule['origin'], `${where}.origin`),
    final: truthOf(rule['final'], `${where}.final`),
    selectors: readSelectors(rule['selectors'], `${where}.selectors`),
    when: optional(rule['when'], textOf, `${where}.when`),
    standing: textOf(rule['standing'], `${where}.standing`),
    why: textOf(rule['why'], `${where}.why`),
  };
}

export function readSelectors(value: unknown, where: string): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value, where)).map(([field, values]) => [
      field,
      listOf(values, textOf, `${where}.${field}`),
    ]),
  );
}

export function readTest(value: unknown): PolicyTest {
  const test = fieldsOf(value, 'the answer');
  const ok = truthOf(test['ok'], 'ok');
  if (!ok && test['problems'] !== undefined) return refused(test);
  return {
    ok,
    version: idOf(test['version'], 'version'),
    passed: numberOf(test['passed'], 'passed'),
    failed: numberOf(test['failed'], 'failed'),
    results: listOf(test['results'], readResult, 'results'),
  };
}

function readResult(value: unknown, where: string): CaseResult {
  const result = fieldsOf(value, where);
  const decision = fieldsOf(result['decision'], `${where}.decision`);
  return {
    name: textOf(result['name'], `${where}.name`),
    ok: truthOf(result['ok'], `${where}.ok`),
    problems: listOf(result['problems'], textOf, `${where}.problems`),
    decision: {
      tier: wordOf(decision['tier'], TIERS, `${where}.decision.tier`),
      effect: textOf(decision['effect'], `${where}.decision.effect`),
      code: textOf(decision['code'], `${where}.decision.code`),
      rule: optional(decision['rule'], textOf, `${where}.decision.rule`),
      reasons: listOf(decision['reasons'], textOf, `${where}.decision.reasons`),
    },
  };
}

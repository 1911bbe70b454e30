// What `decide` applies: a charter with everything in it made ready. Apart from its compiler, because whatever judges by a
// law needs to know none of how one is made.
import type { ActionSetting } from './action-setting.ts';
import type { Charter } from './charter.ts';
import type { Guardrails } from './finding/guardrails.ts';
import type { CompiledOwn } from './finding/own.ts';
import type { FlowBook } from './flow.ts';
import type { KnownNames } from './known-names.ts';
import type { RuleBook } from './rule-book.ts';

export interface Law {
  /** Content hash of the charter. */
  readonly version: string;
  readonly charter: Charter;
  /** The rules in their compiled form: not plain data, and rebuilt by `compileLaw` wherever a law is needed. */
  readonly rules: RuleBook;
  /** The guardrails in their compiled form, likewise. */
  readonly guardrails: Guardrails;
  /** The guardrails of the charter's own, compiled; null where it has none, which then cost nothing. */
  readonly own: readonly CompiledOwn[] | null;
  /** Its flow rules, compiled; null where it has none. */
  readonly flows: FlowBook | null;
  /** By type, the names of resources that are read from parameters. */
  readonly resources: ReadonlyMap<string, KnownNames>;
}

/** What the charter knows of an action: its setting under the most specific pattern, or null. */
export function settingOf(law: Law, action: string): ActionSetting | null {
  return law.rules.entryOf(action).setting;
}

// What a tool may be trusted with, guessed from what its server says about it and from its own name. Both are a
// stranger's words: where they disagree, or say nothing that we know, people are asked.
import type { Tier } from '@mandate/kernel';
import { oddName } from '../api/mcp/tool-result.ts';

export interface Tool {
  readonly name: string;
  readonly annotations?:
    | {
        readonly readOnlyHint?: boolean | undefined;
        readonly destructiveHint?: boolean | undefined;
        readonly openWorldHint?: boolean | undefined;
      }
    | undefined;
  readonly inputSchema?: { readonly properties?: Readonly<Record<string, unknown>> | undefined } | undefined;
}

export interface Proposal {
  readonly tool: string;
  /** null: the name can be written in no charter, and the gateway refuses the tool. */
  readonly action: string | null;
  readonly tier: Tier;
  readonly severity: 'low' | 'medium' | 'high';
  readonly paths: readonly string[];
  readonly diff: string | null;
  readonly why: string;
}

const READS = words(
  'read get list search find query view show describe count head tail stat info tree lookup inspect check status diff log preview summarize fetch browse',
);
const WRITES = words(
  'write create edit update add set insert append copy rename move upload save patch modify make mkdir touch tag comment replace put post upsert',
);
const DANGERS = words(
  'delete remove drop destroy purge truncate wipe erase kill terminate stop shutdown exec execute run eval shell command bash script spawn sudo install uninstall deploy release publish merge push force reset rebase revert send email mail pay transfer refund charge buy order grant revoke approve invite share rotate migrate restore format overwrite unlink rm',
);
const PATHS = words(
  'path paths file files filename filepath dir dirs directory directories folder folders source destination src dest root cwd',
);
const CONTENTS = words('content contents text body diff patch');

export function propose(upstream: string, tool: Tool): Proposal {
  const action = `${upstream}.${tool.name}`;
  const { tier, why } = tierOf(tool);
  const parameters = Object.entries(tool.inputSchema?.properties ?? {});
  const paths = parameters
    .filter(([name, schema]) => holdsText(schema) && PATHS.has(tokensOf(name).at(-1) ?? ''))
    .map(([name]) => name);
  const content =
    parameters.find(
      ([name, schema]) => holdsText(schema) && CONTENTS.has(tokensOf(name).at(-1) ?? ''),
    )?.[0] ?? null;
  return {
    tool: tool.name,
    action: oddName(tool.name, action) === null ? action : null,
    tier,
    // Easy successes should earn little trust, and a red tool's failure should cost some.
    severity: ({ green: 'low', yellow: 'medium', red: 'high', black: 'high' } as const)[tier],
    paths,
    diff: paths.length > 0 && tier !== 'green' ? content : null,
    why,
  };
}

function tierOf({ name, annotations = {} }: Tool): { readonly tier: Tier; readonly why: string } {
  const { readOnlyHint, destructiveHint, openWorldHint } = annotations;
  const tokens = tokensOf(name);
  const danger = tokens.find((token) => DANGERS.has(token));
  if (danger !== undefined) return { tier: 'red', why: `"${danger}" can do what cannot be undone` };
  const write = tokens.find((token) => WRITES.has(token));
  const read = tokens.find((token) => READS.has(token));
  // The verb usually comes first; a tool that both reads and writes writes.
  if (write !== undefined) {
    if (readOnlyHint === true) return { tier: 'red', why: `says it only reads, but is called "${write}"` };
    return destructiveHint === false
      ? { tier: 'yellow', why: `"${write}", and says it destroys nothing` }
      : { tier: 'red', why: `"${write}", and may overwrite` };
  }
  if (read === undefined) return { tier: 'red', why: 'nothing known says what it does' };
  if (destructiveHint === true || readOnlyHint === false)
    return { tier: 'red', why: `called "${read}", but says it changes something` };
  if (readOnlyHint !== true) return { tier: 'yellow', why: `"${read}", but does not say that it only reads` };
  return openWorldHint === true
    ? { tier: 'yellow', why: `"${read}", only reads, but talks to the outside` }
    : { tier: 'green', why: `"${read}", and says it only reads` };
}

/** `readTextFile`, `read_text_file` and `read-text-file` are the same three words. */
function tokensOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((token) => token !== '');
}

function holdsText(schema: unknown): boolean {
  const type: unknown =
    typeof schema === 'object' && schema !== null && 'type' in schema ? schema.type : undefined;
  return type === undefined || type === 'string' || type === 'array';
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(' '));
}

// A charter may stand on others. Each file is read once and stands below whatever extends it, so that a base
// reached by two roads cannot undo what one of them has changed.
import { posix, sep } from 'node:path';
import { renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import { checkShape } from './explain.ts';
import type { Part } from './merge.ts';
import { parseYaml } from './parse.ts';
import { draftRules } from './rules.ts';
import { readRuleSets } from './rule-sets.ts';

/** The content of a file, or null where there is none. Throws where it cannot be read. */
export type ReadFile = (path: string) => Promise<Uint8Array | string | null>;

export interface Reading {
  /** The charter itself, as the operator names it. */
  readonly path: string;
  readonly readFile: ReadFile;
  /** Reads a shipped charter by its name, e.g. `default`. */
  readonly readShipped: ReadFile;
}

/** One file as it was read: together they load the same charter again, anywhere. */
export interface SourceFile {
  readonly kind: 'own' | 'shipped';
  /** Relative to the charter's directory for own files, the bare name for shipped ones. */
  readonly name: string;
  readonly text: string;
}

export interface Gathered {
  /** Base files first, the charter itself last. Files with mistakes are left out. */
  readonly parts: readonly Part[];
  /** false: a file is missing from `parts`, so what the whole says cannot be judged. */
  readonly isComplete: boolean;
  readonly sources: readonly SourceFile[];
  /** Names as errors show them, the charter itself first. */
  readonly files: readonly string[];
  readonly errors: readonly CharterError[];
  /** Paths of own files that were asked for, missing ones included: a change of any may change the charter. */
  readonly ownPaths: readonly string[];
}

type Reference = Pick<SourceFile, 'kind' | 'name'>;

/** What is being read, from the charter itself down to here, for naming a cycle. */
interface Step {
  readonly reference: Reference;
  readonly chain: readonly Reference[];
  /** Where the name is written; null for the charter itself. */
  readonly report: ((message: string) => void) | null;
}

const MAX_FILES = 50;

/** Reads the charter and all that it extends. The mistakes of all files are found in one pass. */
export async function gatherFiles(reading: Reading): Promise<Gathered> {
  // Windows names the charter with backslashes; everything below speaks of paths with forward slashes only.
  const root = sep === '\\' ? reading.path.replaceAll(sep, '/') : reading.path;
  const directory = posix.dirname(root);
  const parts: Part[] = [];
  const sources: SourceFile[] = [];
  const files: string[] = [];
  const errors: CharterError[] = [];
  const ownPaths = new Set<string>();
  let missing = 0;

  const visit = async ({ reference, chain, report }: Step): Promise<void> => {
    const file = displayName(reference);
    const told = (message: string): void => {
      missing++;
      if (report === null) errors.push({ file, line: 1, column: 1, pointer: '', message });
      else report(message);
    };
    if (chain.some((it) => isSame(it, reference))) {
      told(
        `The files extend each other in a circle: ${[...chain, reference].map(displayName).join(' → ')}. Remove one of these extends.`,
      );
      return;
    }
    if (files.includes(file)) return;
    if (files.length >= MAX_FILES) {
      told(`The charter extends more than ${MAX_FILES} files. Merge some of them.`);
      return;
    }
    if (reference.kind === 'own') ownPaths.add(posix.join(directory, reference.name));
    const content = await read(reading, directory, reference);
    if (content.kind === 'unread') {
      told(unread(reference, content.why, chain));
      return;
    }
    files.push(file);
    const parsed = parseYaml(file, content.data);
    if (parsed.kind === 'refused') {
      errors.push(...parsed.errors);
      return;
    }
    const { yaml } = parsed;
    const error = (path: Path, message: string): void => {
      errors.push({ ...yaml.placeOf(path), pointer: renderPath(path), message });
    };
    for (const [path, name] of extendedNames(yaml.value)) {
      const next = resolve(name, reference);
      if (typeof next === 'string') {
        missing++;
        error(path, next);
      } else {
        await visit({
          reference: next,
          chain: [...chain, reference],
          report: (message) => error(path, message),
        });
      }
    }
    sources.push({ ...reference, text: yaml.text });
    const shaped = checkShape(yaml);
    const drafts =
      shaped.kind === 'refused'
        ? draftRules(yaml, shaped.tiers)
        : draftRules(yaml, shaped.written.tiers ?? {}, readRuleSets(yaml, shaped.written));
    errors.push(...drafts.errors);
    if (shaped.kind === 'refused') errors.push(...shaped.errors);
    else parts.push({ yaml, written: shaped.written, drafts });
  };

  await visit({ reference: { kind: 'own', name: posix.basename(root) }, chain: [], report: null });
  return {
    parts,
    isComplete: missing === 0 && parts.length === files.length,
    sources,
    files,
    errors,
    ownPaths: [...ownPaths],
  };
}

function isSame(a: Reference, b: Reference): boolean {
  return a.kind === b.kind && a.name === b.name;
}

/** A shipped file is shown with angle brackets, which no path of one's own has. */
function displayName({ kind, name }: Reference): string {
  return kind === 'shipped' ? `<shipped>/${name}.yaml` : name;
}

type Content =
  | { readonly kind: 'read'; readonly data: Uint8Array | string }
  | { readonly kind: 'unread'; readonly why: string };

async function read(reading: Reading, directory: string, { kind, name }: Reference): Promise<Content> {
  try {
    const data =
      kind === 'shipped'
        ? await reading.readShipped(name)
        : await reading.readFile(posix.join(directory, name));
    return data === null ? { kind: 'unread', why: 'does not exist' } : { kind: 'read', data };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return {
      kind: 'unread',
      why: `cannot be read (${'code' in error ? String(error.code) : error.message})`,
    };
  }
}

function unread(reference: Reference, why: string, chain: readonly Reference[]): string {
  const by = chain.length === 0 ? '' : `, reached by ${[...chain, reference].map(displayName).join(' → ')}`;
  const remedy =
    reference.kind === 'shipped'
      ? `Write default for the shipped rules, or ./${reference.name}.yaml for a file beside this one.`
      : 'Create the file, or correct the path.';
  return `${displayName(reference)} ${why}${by}. ${remedy}`;
}

/** Read before the shape is checked, so that mistakes in base files are told even when this file has its own. */
function extendedNames(value: unknown): [Path, string][] {
  if (typeof value !== 'object' || value === null || !('extends' in value)) return [];
  const names = value.extends;
  if (typeof names === 'string') return [[['extends'], names]];
  if (!Array.isArray(names)) return [];
  return names.flatMap((name: unknown, index): [Path, string][] =>
    typeof name === 'string' ? [[['extends', index], name]] : [],
  );
}

/** A bare name is a shipped charter; anything with a slash or an ending is a path relative to the file that names it. */
function resolve(name: string, from: Reference): Reference | string {
  if (/^[a-z0-9][a-z0-9-]*$/.test(name)) return { kind: 'shipped', name };
  if (posix.isAbsolute(name) || name.includes('\\') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(name)) {
    return `${name} is not a relative path. Write a path relative to this file, with forward slashes: ./base.yaml.`;
  }
  if (!/\.ya?ml$/.test(name))
    return `${name} is neither a shipped charter nor a YAML file. Write default, or a path that ends in .yaml.`;
  if (from.kind === 'shipped') return `A shipped charter may extend shipped charters only, not ${name}.`;
  return { kind: 'own', name: posix.join(posix.dirname(from.name), name) };
}

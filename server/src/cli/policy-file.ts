// A charter as it lies on this disk, for the commands that need no server.
import { resolve, sep } from 'node:path';
import type { LoadedCharter, RefusedCharter } from '../decide/charter/load.ts';
import type { CharterError } from '../decide/charter/error.ts';
import type { Cli } from './command.ts';
import { EXIT } from './exit.ts';
import { harmless } from './output.ts';

/** Imported only when they run: YAML and the law take a moment. */
export async function loadFile(file: string): Promise<LoadedCharter | RefusedCharter> {
  const [{ loadCharter }, { readCharterFile, shippedCharters }] = await Promise.all([
    import('../decide/charter/load.ts'),
    import('../decide/charter/disk.ts'),
  ]);
  return loadCharter({ path: pathOf(file), readFile: readCharterFile, readShipped: shippedCharters });
}

/** Absolute, with forward slashes also on Windows. */
export function pathOf(file: string): string {
  const path = resolve(file);
  return sep === '\\' ? path.replaceAll(sep, '/') : path;
}

/** Shows why a charter, or a file of cases, is refused, and ends with a failure. */
/** A file that is no YAML at all has a mistake in every line, and nobody reads two hundred. */
const LISTED = 20;

export async function showProblems(
  { out, exitWith }: Cli,
  problems: readonly CharterError[],
  json: boolean,
): Promise<void> {
  exitWith(EXIT.failure);
  if (json) return out.json({ ok: false, problems });
  const { renderError } = await import('../decide/charter/error.ts');
  for (const problem of problems.slice(0, LISTED)) out.data(harmless(renderError(problem)));
  if (problems.length > LISTED)
    out.data(
      `… and ${problems.length - LISTED} more, which may come of the ones above: correct those first, or read all of them with --json.`,
    );
  const text =
    problems.length === 1
      ? 'One mistake; such a file is refused as a whole.'
      : `${problems.length} mistakes; such a file is refused as a whole.`;
  out.talk(out.tintTalk(text, 'red'));
}

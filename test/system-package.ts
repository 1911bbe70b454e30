// Tests that talk to the real thing need programs that npm does not have. As root on Debian they are installed; on a
// desktop the test says what is missing and is skipped; in CI nothing may be skipped.
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Skipping {
  skip(message: string): void;
}

/** The path of a program, installed with its Debian package where that is possible; null where the test is skipped. */
export async function findProgram(
  t: Skipping,
  program: string,
  debianPackage: string,
): Promise<string | null> {
  const found = onPath(program);
  if (found !== null) return found;
  const problem = await install(debianPackage);
  const installed = onPath(program);
  if (installed !== null) return installed;
  const missing = `${program} is missing: install the package ${debianPackage}${problem === null ? '' : ` (${problem})`}`;
  if (!['', '0', 'false', undefined].includes(process.env['CI'])) throw new Error(missing);
  t.skip(missing);
  return null;
}

function onPath(program: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

async function install(debianPackage: string): Promise<string | null> {
  if (process.getuid?.() !== 0 || onPath('apt-get') === null) return null;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update'], { env, timeout: 120_000 });
    await run('apt-get', ['install', '-y', '--no-install-recommends', debianPackage], {
      env,
      timeout: 170_000,
    });
    return null;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? null) : String(error);
  }
}

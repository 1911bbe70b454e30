// What the demo governs by: a charter in force for one session, and a small folder for an agent to work in. It lies in
// the sources, because a published package has no examples folder.
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const AGENT = 'builder-1';
export const UPSTREAM = 'files';

/** The files of the work folder, by name. */
export const FILES = {
  'README.md': '# Greeter\n\nSays hello. Settings come from .env.\n',
  'greet.js': 'export const greet = (name) => `Hello, ${name}`;\n',
} as const;

/** The tiers in one line, as the charter below has them. */
export const RULES = [
  ['green', 'reading'],
  ['yellow', 'changing files'],
  ['red', '.env, keys, and whatever a guardrail calls critical'],
  ['black', 'audit.delete'],
] as const;

/** The public filesystem server behind the gateway. Paths are JSON, which is YAML as well. */
export function demoCharter(folder: string): string {
  const command = JSON.stringify([process.execPath, filesystemServer(), folder]);
  return `version: 1
extends: default
executors:
  ${UPSTREAM}: { mcp: ${command} }
actions:
  ${UPSTREAM}.write_file: { severity: medium, paths: [path], diff: content }
  ${UPSTREAM}.edit_file: { severity: medium, paths: [path] }
tiers:
  green:
    actions: ['${UPSTREAM}.read_*', '${UPSTREAM}.list_*']
  yellow:
    actions:
      - { match: ${UPSTREAM}.write_file, except: { paths: ['**/.env', '**/*.key'] } }
      - { match: ${UPSTREAM}.edit_file, except: { paths: ['**/.env', '**/*.key'] } }
  black:
    actions: [audit.delete]
`;
}

function filesystemServer(): string {
  const manifest = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-filesystem/package.json',
  );
  return join(manifest, '..', 'dist', 'index.js');
}

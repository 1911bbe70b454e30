// An action in the words of a person: `git.create_pull_request` on pull request 42 is "opened pull request #42". An
// action that nobody put into words here is called by its name, never by a guess.
import type { Json, Resource } from '@mandate/kernel';
import { plain } from './document.ts';
import type { Outcome } from './message.ts';

interface Verb {
  /** What was done, and what would be done. */
  readonly done: string;
  readonly todo: string;
  /** Which parameters say what it was done to, in this order; the resource goes first. */
  readonly of: readonly string[];
}

const VERBS: readonly (readonly [string, Verb])[] = [
  [
    'git.create_pull_request',
    { done: 'opened pull request', todo: 'open pull request', of: ['number', 'title', 'branch', 'head'] },
  ],
  ['git.merge', { done: 'merged', todo: 'merge', of: ['source', 'head', 'number', 'branch'] }],
  ['git.force_push', { done: 'force-pushed', todo: 'force-push', of: ['branch'] }],
  ['git.push', { done: 'pushed', todo: 'push', of: ['branch'] }],
  ['git.commit', { done: 'committed', todo: 'commit', of: ['message', 'branch'] }],
  ['deploy.rollback', { done: 'rolled back', todo: 'roll back', of: ['environment', 'version', 'commit'] }],
  ['deploy.', { done: 'deployed to', todo: 'deploy to', of: [] }],
  ['test.run', { done: 'ran tests', todo: 'run tests', of: [] }],
  ['test.generate', { done: 'wrote tests', todo: 'write tests', of: ['path', 'file'] }],
  ['code.write', { done: 'wrote', todo: 'write', of: ['path', 'file'] }],
  ['files.write_file', { done: 'wrote', todo: 'write', of: ['path'] }],
  ['files.edit_file', { done: 'edited', todo: 'edit', of: ['path'] }],
  [
    'scan.security',
    { done: 'scanned for security problems', todo: 'scan for security problems', of: ['path', 'repository'] },
  ],
  ['dependency.update', { done: 'updated', todo: 'update', of: ['name', 'package', 'dependency'] }],
  ['secrets.rotate', { done: 'rotated', todo: 'rotate', of: ['name', 'secret'] }],
  [
    'infrastructure.modify',
    { done: 'changed infrastructure', todo: 'change infrastructure', of: ['name', 'target', 'stack'] },
  ],
];

export interface Deed {
  readonly action: string;
  readonly parameters: Json;
  readonly resource: Resource | null;
  readonly outcome: Outcome;
}

/** `opened pull request #42`, `deploy to production`, or the name of the action with what it touched. */
export function wordsOf(deed: Deed): string {
  const { action, outcome } = deed;
  const [pattern, verb] =
    VERBS.find(([name]) =>
      name.endsWith('.') ? action.startsWith(name) : action === name || isKind(name, action),
    ) ?? [];
  const isDone = outcome === 'success' || outcome === 'running' || outcome === 'unknown';
  if (verb === undefined || pattern === undefined) {
    const object = objectOf(deed, ['path', 'name', 'branch', 'target', 'id']);
    return plain(object === '' ? action : `${action} ${object}`, 120);
  }
  const object = pattern.endsWith('.')
    ? action.slice(pattern.length).replaceAll(/[._]/g, ' ')
    : objectOf(deed, verb.of);
  return plain(`${isDone ? verb.done : verb.todo} ${object}`, 120);
}

/** `test.run` stands for `test.run_suite` as the default charter's `test.run*` does. */
function isKind(name: string, action: string): boolean {
  return (name === 'test.run' || name === 'test.generate') && action.startsWith(name);
}

function objectOf({ resource, parameters }: Deed, names: readonly string[]): string {
  if (resource !== null) return /^\d+$/.test(resource.id) ? `#${resource.id}` : resource.id;
  if (typeof parameters !== 'object' || parameters === null) return '';
  for (const name of names) {
    const value: unknown = Object.hasOwn(parameters, name) ? Reflect.get(parameters, name) : undefined;
    if (typeof value === 'number') return name === 'number' ? `#${value}` : String(value);
    if (typeof value === 'string' && value !== '') return plain(value, 80);
  }
  return '';
}

/** `0.15 USD`; as many decimals as matter, two at least. */
export function usdText(microUsd: number): string {
  const exact = (microUsd / 1e6).toFixed(6).replace(/0{1,4}$/, '');
  return `${exact} USD`;
}

/** A score as people read it: one decimal at most. */
export function scoreText(score: number): string {
  return String(Math.round(score * 10) / 10);
}

// From the written `readiness` to the kernel's items, with every sum, name, role and condition checked: a wrong weight
// would move the line that a set has to reach, and nobody would see it.
import {
  compileReadiness,
  DEFAULT_READINESS_ITEMS,
  DEFAULT_READINESS_TOTALS,
  READINESS_CATEGORIES,
} from '@mandate/kernel';
import type { ReadinessItem, ReadinessSetting } from '@mandate/kernel';
import { renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { Merged } from './merged.ts';
import type { WrittenReadiness, WrittenReadinessItem } from './readiness-schema.ts';
import { durationMs } from './units.ts';

interface Reading {
  readonly merged: Merged;
  readonly errors: CharterError[];
  /** What is wrong with a name of an approver role; null when it is sound. */
  readonly unknownRole: (role: string) => string | null;
}

/** Reads the section; null where the charter has none. What is wrong with it goes to `errors`. */
export function readReadiness(reading: Reading): ReadinessSetting | null {
  const written = reading.merged.sections.readiness;
  if (written === undefined) return null;
  const items = written.items?.map(readItem) ?? DEFAULT_READINESS_ITEMS;
  if (written.items !== undefined) {
    checkNames(reading, items);
    checkRoles(reading, items);
    checkConditions(reading, items);
  }
  checkSums(reading, items, written.total);
  return { items };
}

function readItem(written: WrittenReadinessItem): ReadinessItem {
  const { name, category, group, weight, required, when, attest, next } = written;
  const item = {
    name,
    category,
    group: group ?? category,
    weight,
    required: required ?? false,
    next: next ?? null,
  };
  // The schema lets pass no item that has neither of them.
  return attest === undefined
    ? { ...item, kind: 'measured', when: when ?? '' }
    : { ...item, kind: 'attested', roles: [...new Set(attest.roles)], expiresMs: durationMs(attest.expires) };
}

function checkNames(reading: Reading, items: readonly ReadinessItem[]): void {
  const seen = new Set<string>();
  for (const [index, { name }] of items.entries()) {
    // As people write them on the command line, where case does not count.
    const key = name.toLowerCase();
    if (seen.has(key))
      fail(
        reading,
        ['readiness', 'items', index, 'name'],
        `There is an item ${name} already. Give this one another name.`,
      );
    seen.add(key);
  }
}

function checkRoles(reading: Reading, items: readonly ReadinessItem[]): void {
  for (const [index, item] of items.entries()) {
    if (item.kind !== 'attested') continue;
    for (const [at, role] of item.roles.entries()) {
      const problem = reading.unknownRole(role);
      if (problem !== null) fail(reading, ['readiness', 'items', index, 'attest', 'roles', at], problem);
    }
  }
}

function checkConditions({ merged, errors }: Reading, items: readonly ReadinessItem[]): void {
  const compiled = compileReadiness(items);
  if (compiled.kind === 'compiled') return;
  for (const { item, offset, message } of compiled.problems) {
    const path = ['readiness', 'items', item, 'when'];
    errors.push({
      ...merged.fileOf(path).placeWithin(path, offset),
      pointer: renderPath(path),
      message: `The condition is wrong here: ${message}. Correct it.`,
    });
  }
}

function checkSums(
  reading: Reading,
  items: readonly ReadinessItem[],
  total: WrittenReadiness['total'],
): void {
  const path: Path = ['readiness', total === undefined ? 'items' : 'total'];
  const sum = (of: readonly ReadinessItem[]): number => of.reduce((points, { weight }) => points + weight, 0);
  if (typeof total === 'number') {
    if (sum(items) !== total)
      fail(reading, path, `The weights add up to ${sum(items)}, not to ${total}. Correct a weight or total.`);
    return;
  }
  for (const category of READINESS_CATEGORIES) {
    const declared = total === undefined ? DEFAULT_READINESS_TOTALS[category] : (total[category] ?? 0);
    const found = sum(items.filter((item) => item.category === category));
    if (found === declared) continue;
    const where = total?.[category] === undefined ? path : [...path, category];
    fail(
      reading,
      where,
      `The weights of the category ${category} add up to ${found}, not to ${declared}. Correct a weight, or declare another total.`,
    );
  }
}

function fail({ merged, errors }: Reading, path: Path, message: string): void {
  errors.push({ ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message });
}

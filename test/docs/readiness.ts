// The tables of docs/readiness.md: the points that ship and the names that conditions may use, made of the kernel's own.
import { FACT_NAMES, factMeaning, READINESS_ROOTS } from '../../kernel/src/readiness/facts.ts';
import { DEFAULT_READINESS_ITEMS } from '../../kernel/src/readiness/items.ts';
import { formatType } from '@mandate/kernel';
import type { ReadinessItem } from '@mandate/kernel';

type Cells = readonly (readonly string[])[];

const DAY_MS = 86_400_000;

export function readinessTables(): Readonly<Record<'readiness' | 'readiness-facts', Cells>> {
  return {
    readiness: [
      ['item', 'points', 'required', 'what it takes'],
      ...DEFAULT_READINESS_ITEMS.map((item) => [
        item.name,
        String(item.weight),
        item.required ? '✓' : '',
        takes(item),
      ]),
    ],
    'readiness-facts': [
      ['name', 'type', 'what it is'],
      ...FACT_NAMES.map((name) => [
        `\`${name}\``,
        formatType(READINESS_ROOTS[name] ?? 'dyn'),
        factMeaning(name),
      ]),
    ],
  };
}

function takes(item: ReadinessItem): string {
  return item.kind === 'measured'
    ? `\`${item.when}\``
    : `the word of ${item.roles.join(' or ')}, for ${item.expiresMs / DAY_MS} days`;
}

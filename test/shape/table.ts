// The import table and the list of exempt files as they stand in ARCHITECTURE.md, read and written. People read
// the same lines that the test enforces, so the two cannot drift apart.

export interface Permission {
  readonly target: string;
  /** Only `import type`: nothing of the target runs because of it. */
  readonly isType: boolean;
}

export interface Architecture {
  readonly permissions: ReadonlyMap<string, readonly Permission[]>;
  /** Files whose length is data, not ideas. */
  readonly tablesOfData: readonly string[];
}

const header = /^\| module \| may know \|$/;
const row = /^\| `([^`]+)` \|(.*)\|$/;
const item = /^`([^`]+)`( \(types\))?$/;

/** Parses ARCHITECTURE.md. Throws at a row that it cannot read: a permission nobody parsed must not pass for one. */
export function parseArchitecture(text: string): Architecture {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => header.test(line));
  if (start < 0)
    throw new Error(
      'ARCHITECTURE.md has no table headed | module | may know |. Restore it: the shape test enforces it.',
    );
  const permissions = new Map<string, readonly Permission[]>();
  for (let at = start + 2; lines[at]?.startsWith('|') === true; at += 1) {
    const line = lines[at] ?? '';
    const [, module, cell] = row.exec(line) ?? [];
    if (module === undefined || cell === undefined)
      throw new Error(
        `ARCHITECTURE.md:${at + 1}: expected | \`module\` | \`name\`, \`name\` (types) |, found ${line}`,
      );
    if (permissions.has(module))
      throw new Error(`ARCHITECTURE.md:${at + 1}: ${module} has a row already. Merge the two.`);
    permissions.set(module, parseCell(cell, at + 1));
  }
  return { permissions, tablesOfData: parseList(lines) };
}

function parseCell(cell: string, line: number): readonly Permission[] {
  const text = cell.trim();
  if (text === '' || text === 'nothing') return [];
  return text.split(', ').map((part) => {
    const [, target, types] = item.exec(part) ?? [];
    if (target === undefined)
      throw new Error(`ARCHITECTURE.md:${line}: expected \`name\` or \`name\` (types), found ${part}`);
    return { target, isType: types !== undefined };
  });
}

function parseList(lines: readonly string[]): readonly string[] {
  const start = lines.findIndex((line) => line.startsWith('Tables of data'));
  if (start < 0) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line !== '' && !line.startsWith('- '));
  return rest.slice(0, end < 0 ? undefined : end).flatMap((line) => /^- `([^`]+)`/.exec(line)?.[1] ?? []);
}

/** One row as it belongs into ARCHITECTURE.md. */
export function formatRow(module: string, permissions: readonly Permission[]): string {
  const cell = permissions.map(({ target, isType }) => `\`${target}\`${isType ? ' (types)' : ''}`).join(', ');
  return `| \`${module}\` | ${cell === '' ? 'nothing' : cell} |`;
}

/** ARCHITECTURE.md with its table exchanged for the given one. */
export function withTable(text: string, permissions: ReadonlyMap<string, readonly Permission[]>): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => header.test(line)) + 2;
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  const rows = [...permissions].map(([module, allowed]) => formatRow(module, allowed));
  return lines.toSpliced(start, length < 0 ? lines.length - start : length, ...rows).join('\n');
}

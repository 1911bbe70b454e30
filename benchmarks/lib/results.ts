// Keeps RESULTS.md: each benchmark owns the section between its two marks and writes nothing else, so that what people
// have written around the tables stays.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMachine } from './machine.ts';

const FILE = fileURLToPath(new URL('../RESULTS.md', import.meta.url));

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What must be known to read it: full sentences. */
  readonly notes?: readonly string[];
}

export interface Section {
  /** Names the marks: `<!-- match -->` … `<!-- /match -->`. */
  readonly name: string;
  /** Reproduces the section. */
  readonly command: string;
  readonly postgres: string | null;
  readonly tables: readonly Table[];
}

/** Prints a section and puts it in its place. A file without the marks gets them at its end. */
export function publish(section: Section): void {
  const { name, command, postgres, tables } = section;
  const lines = [
    `<!-- ${name} -->`,
    '',
    `Measured ${new Date().toISOString().slice(0, 10)} with \`${command}\`:`,
    '',
    ...describeMachine(postgres).map((line) => `- ${line}`),
    ...tables.flatMap(render),
    '',
    `<!-- /${name} -->`,
  ];
  const text = lines.join('\n');
  process.stdout.write(`${text}\n`);
  const file = readFileSync(FILE, 'utf8');
  const from = file.indexOf(`<!-- ${name} -->`);
  const to = file.indexOf(`<!-- /${name} -->`);
  const whole =
    from === -1 || to === -1
      ? `${file.trimEnd()}\n\n${text}\n`
      : `${file.slice(0, from)}${text}${file.slice(to + `<!-- /${name} -->`.length)}`;
  writeFileSync(FILE, whole);
}

function render({ title, head, rows, notes = [] }: Table): readonly string[] {
  return [
    '',
    `**${title}**`,
    '',
    `| ${head.join(' | ')} |`,
    `|${head.map((_, i) => (i === 0 ? ' --- ' : ' --: ')).join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    ...notes.flatMap((note) => ['', note]),
  ];
}

/** Whether a target is met, for the last column of a table. */
export function verdict(isMet: boolean): string {
  return isMet ? 'met' : '**missed**';
}

/** `38 ns`, `4.1 µs`, `12 ms`. */
export function duration(ns: number): string {
  if (ns < 1_000) return `${Math.round(ns)} ns`;
  if (ns < 1_000_000) return `${(ns / 1_000).toFixed(ns < 10_000 ? 2 : 1)} µs`;
  return `${(ns / 1_000_000).toFixed(1)} ms`;
}

/** `540×`, `3.2×`, `0.45×`. */
export function times(ratio: number): string {
  return `${ratio >= 100 ? Math.round(ratio).toLocaleString('en') : ratio.toFixed(ratio < 10 ? 2 : 1)}×`;
}

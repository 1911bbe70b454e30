// stdout is data, stderr is talk. Whatever comes from outside is made harmless before it is shown: a terminal obeys
// control characters, and an approver must see what is there and not what somebody wants to be seen.
import type { Writable } from 'node:stream';

export type Tint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export interface Output {
  /** A line on stdout. */
  readonly data: (text: string) => void;
  /** A line on stderr. */
  readonly talk: (text: string) => void;
  /** A document on stdout: one line for programs, indented on a terminal. */
  readonly json: (value: unknown) => void;
  /** Colours text that goes to stdout. */
  readonly tint: (text: string, tint: Tint) => string;
  /** Colours text that goes to stderr. */
  readonly tintTalk: (text: string, tint: Tint) => string;
  /** Whether a person can be asked. */
  readonly isInteractive: boolean;
  /** Where talk goes, for prompts. */
  readonly talkStream: Writable;
}

export interface OutputNeeds {
  readonly stdin: { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

const CODES: Readonly<Record<Tint, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

export function createOutput({ stdin, stdout, stderr, env }: OutputNeeds): Output {
  const isPlain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const tinter =
    (stream: { readonly isTTY?: boolean }) =>
    (text: string, tint: Tint): string =>
      isPlain || stream.isTTY !== true ? text : `\u001B[${CODES[tint]}m${text}\u001B[0m`;
  return {
    data: (text) => void stdout.write(`${text}\n`),
    talk: (text) => void stderr.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, stdout.isTTY === true ? 2 : 0)}\n`),
    tint: tinter(stdout),
    tintTalk: tinter(stderr),
    isInteractive: stdin.isTTY === true && stderr.isTTY === true && (env['CI'] ?? '') === '',
    talkStream: stderr,
  };
}

/** Control characters, reversed writing directions and lone surrogates become visible escapes; line breaks too. */
export function harmless(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/gu,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export interface Cell {
  readonly text: string;
  readonly tint?: Tint;
}

type Tinter = (text: string, tint: Tint) => string;

/** Aligned columns under a dim header. The last column is not padded. */
export function table(
  header: readonly string[],
  rows: readonly (readonly (Cell | string)[])[],
  tint: Tinter,
): string {
  const cells = rows.map((row) =>
    row.map((cell) =>
      typeof cell === 'string' ? { text: harmless(cell) } : { ...cell, text: harmless(cell.text) },
    ),
  );
  const widths = header.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => (row[column]?.text ?? '').length)),
  );
  const line = (row: readonly Cell[]): string =>
    row
      .map((cell, column) => {
        const text = column === row.length - 1 ? cell.text : cell.text.padEnd(widths[column] ?? 0);
        return cell.tint === undefined ? text : tint(text, cell.tint);
      })
      .join('  ')
      .trimEnd();
  return [line(header.map((text) => ({ text, tint: 'dim' }))), ...cells.map(line)].join('\n');
}

/** Labels with one or more lines each; a label without any is left out. */
export function fields(
  pairs: readonly (readonly [string, string | readonly string[]])[],
  tint: Tinter,
): string {
  const shown = pairs
    .map(
      ([label, value]) =>
        [label, (typeof value === 'string' ? [value] : value).filter((text) => text !== '')] as const,
    )
    .filter(([, lines]) => lines.length > 0);
  const width = Math.max(0, ...shown.map(([label]) => label.length));
  return shown
    .flatMap(([label, lines]) =>
      lines.map((text, index) => `  ${tint((index === 0 ? label : '').padEnd(width), 'dim')}  ${text}`),
    )
    .join('\n');
}

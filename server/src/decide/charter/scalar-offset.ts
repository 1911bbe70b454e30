// A condition is compiled from the value of a YAML scalar, but its author reads the file. Quotes, escapes and
// folding stand between the two, so offsets within a value are led back to offsets within the source here.

/** How the scalar is written. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'block';

const SPACE = /\s/;

/**
 * The source offset of character `offset` of a scalar's value. `start` and `end` bound the scalar as written,
 * quotes or block header included. Exact for everything but white space that YAML folds.
 */
export function sourceOffset(
  source: string,
  scalar: {
    readonly value: string;
    readonly start: number;
    readonly end: number;
    readonly style: ScalarStyle;
  },
  offset: number,
): number {
  let at = contentStart(source, scalar);
  for (let index = 0; index < scalar.value.length && at < scalar.end; index++) {
    const wanted = scalar.value.charAt(index);
    if (scalar.style === 'double') at = skipFolds(source, at, scalar.end);
    if (!SPACE.test(wanted)) while (at < scalar.end && SPACE.test(source.charAt(at))) at++;
    if (index >= offset) return at;
    at += written(source, at, scalar.style, wanted);
  }
  return Math.min(at, scalar.end);
}

function contentStart(source: string, scalar: { start: number; end: number; style: ScalarStyle }): number {
  switch (scalar.style) {
    case 'plain':
      return scalar.start;
    case 'single':
    case 'double':
      return scalar.start + 1;
    case 'block': {
      const line = source.indexOf('\n', scalar.start);
      return line < 0 ? scalar.end : line + 1;
    }
  }
}

/** An escaped line break stands for nothing. */
function skipFolds(source: string, from: number, end: number): number {
  let at = from;
  while (at < end && /^\\\r?\n/.test(source.slice(at, at + 3))) {
    at = source.indexOf('\n', at) + 1;
    while (at < end && /[ \t]/.test(source.charAt(at))) at++;
  }
  return at;
}

/** How many source characters stand for one character of the value. */
function written(source: string, at: number, style: ScalarStyle, wanted: string): number {
  const found = source.charAt(at);
  if (style === 'single' && found === "'") return 2;
  if (style === 'double' && found === '\\') {
    const kind = source.charAt(at + 1);
    return kind === 'x' ? 4 : kind === 'u' ? 6 : kind === 'U' ? 10 : 2;
  }
  // A folded line break has become one blank of the value, or none at all at the end of a block.
  if (SPACE.test(wanted) && !SPACE.test(found)) return 0;
  return 1;
}

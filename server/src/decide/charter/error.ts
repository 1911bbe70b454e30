// Whoever writes a charter must be able to jump to every mistake and read what to do about it. An error is
// therefore plain data with file, line, column and pointer; the text for people is made in one place, here.

/** Where something is written. Lines and columns count from 1; columns count UTF-16 units, as editors do. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A path into the YAML document: map keys and list indexes. */
export type Path = readonly (string | number)[];

/** One mistake. `pointer` reads like `tiers.yellow.actions[3].when`; it is empty for the file as a whole. */
export interface CharterError extends Place {
  readonly pointer: string;
  /** What is wrong and what to do next. */
  readonly message: string;
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** `['tiers', 'yellow', 'actions', 3]` → `tiers.yellow.actions[3]`; odd keys are quoted: `actions['deploy.*']`. */
export function renderPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (PLAIN_KEY.test(step)) text += text === '' ? step : `.${step}`;
    else text += `['${step.replaceAll("'", "\\'")}']`;
  }
  return text;
}

/** `charter.yaml:12:7 tiers.yellow.actions[3]`: the origin that rules carry into every decision's trace. */
export function renderOrigin(place: Place, path: Path): string {
  const pointer = renderPath(path);
  const where = `${place.file}:${place.line}:${place.column}`;
  return pointer === '' ? where : `${where} ${pointer}`;
}

/** `charter.yaml:12:7 tiers.yellow.actions[3]: message. What to do next.` */
export function renderError(error: CharterError): string {
  const pointer = error.pointer === '' ? '' : ` ${error.pointer}`;
  return `${error.file}:${error.line}:${error.column}${pointer}: ${error.message}`;
}

/** By file in the order given, then by line and column; the same mistake is told once. */
export function sortErrors(errors: readonly CharterError[], files: readonly string[]): CharterError[] {
  const rank = new Map(files.map((file, index) => [file, index]));
  const seen = new Set<string>();
  return errors
    .toSorted(
      (a, b) =>
        (rank.get(a.file) ?? files.length) - (rank.get(b.file) ?? files.length) ||
        a.line - b.line ||
        a.column - b.column,
    )
    .filter((error) => {
      const text = renderError(error);
      if (seen.has(text)) return false;
      seen.add(text);
      return true;
    });
}

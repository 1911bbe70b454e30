// Names under which tools expect a path, a diff or a command, whatever the charter says of the action. Each is told
// by the last word of the name: `targetPath` is a path, `path_style` is not.

const PATHS: ReadonlySet<string> = new Set(
  (
    'path paths file files filename filenames filepath filepaths dir dirs dirname directory directories folder folders ' +
    'source sources src destination destinations dest dst target targets from to out outfile infile cwd root glob globs'
  ).split(' '),
);
const DIFFS: ReadonlySet<string> = new Set('diff diffs patch patches'.split(' '));
const COMMANDS: ReadonlySet<string> = new Set(
  'args argv arguments command cmd commands script options flags run line'.split(' '),
);
const CONTENTS: ReadonlySet<string> = new Set(
  'content contents text body data code diff diffs patch patches'.split(' '),
);

export function isPathName(lastWord: string): boolean {
  return PATHS.has(lastWord);
}

/** The value is what a file holds, where the file is named beside it. */
export function isContentName(lastWord: string): boolean {
  return CONTENTS.has(lastWord);
}

export function isDiffName(lastWord: string): boolean {
  return DIFFS.has(lastWord);
}

/** The value is an argument list or a shell line. */
export function isCommandName(lastWord: string): boolean {
  return COMMANDS.has(lastWord);
}

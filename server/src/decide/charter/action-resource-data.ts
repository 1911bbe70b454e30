// What only the whole charter shows of `actions.NAME.resource`: whether there are such resources, and whether a more
// specific pattern leaves out what a wider one has, so that agents would be believed there again.
import { patternCovers, resourceProblem, suggest } from '@mandate/kernel';
import { renderPath } from './error.ts';
import type { CharterError } from './error.ts';
import type { Merged, MergedAction } from './merged.ts';

/** A guess looks at every name; whoever has more mistakes than these does not read them all. */
const MOST_GUESSES = 50;

/** Types that nobody has declared, and what is no parameter. */
export function checkResources({ actions, sections }: Merged): readonly CharterError[] {
  const declared = { resources: sections.resources ?? {} };
  let guesses = MOST_GUESSES;
  const near = (word: string, known: readonly string[]): string =>
    (guesses -= 1) < 0 ? '' : suggest(word, known);
  return actions.flatMap((action) => {
    const { resource } = action.setting;
    const wrong = resource === undefined ? null : resourceProblem(resource, declared, near);
    return wrong === null ? [] : [errorAt(action, `${wrong.charAt(0).toUpperCase()}${wrong.slice(1)}.`)];
  });
}

/** Of all patterns that cover a name only the most specific one counts, with nothing of the others. */
export function warnOfUnreadResources({ actions }: Merged): readonly CharterError[] {
  const wide = actions.filter(({ match, setting }) => setting.resource !== undefined && match.endsWith('*'));
  return actions.flatMap((action) => {
    const { match, setting } = action;
    if (setting.resource !== undefined) return [];
    const over = wide.find((each) => patternCovers(each.match, match));
    if (over === undefined) return [];
    const message = `The resource of ${over.match} is not read for ${match}, which has settings of its own: there it counts what an agent says. Write resource here as well.`;
    return [errorAt(action, message)];
  });
}

function errorAt({ placeOf }: MergedAction, message: string): CharterError {
  const { place, path } = placeOf('resource');
  return { ...place, pointer: renderPath(path), message };
}

// What may be a name, whichever door it comes in by. A name stands in rows, entries and messages as it was sent, so it
// must show as what it is, and it must be nobody's token (I9): what is sealed elsewhere would stand here in the clear.
import { findSecrets, isActionName } from '@mandate/kernel';

const NAME_MAX = 256;
/** What an agent may be called; nothing in it has a meaning in a log, a path or a command. */
export const AGENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._@:-]*$/;
/** No secret that is told by its format is shorter: a password in a URL (`://a:b@`) is the shortest. */
const SECRET_MIN = 7;

export const NO_SECRET =
  'holds a token or a password, and a name is stored and shown as it is; send a name without it, and replace what was sent';
export const IS_AGENT_NAME = 'a name of letters, digits, . _ @ : -';
export const IS_ACTION_NAME =
  'must be a dotted name such as git.merge: letters, digits and . _ - : / @ + # ~ =';

/** Whether its format gives a secret away. What only looks like one may be a name: a guess refuses nothing. */
export function holdsSecret(text: string): boolean {
  return text.length >= SECRET_MIN && findSecrets(text).some(({ generic }) => !generic);
}

/** Whether an agent may be called that. */
export function isAgentName(text: string): boolean {
  return text.length <= NAME_MAX && AGENT_NAME.test(text) && !holdsSecret(text);
}

/** Whether it is dotted as the names of actions are: an empty part is a slip, and no rule speaks of it. */
export function isDottedName(text: string): boolean {
  return isActionName(text) && text.split('.').every((part) => part !== '');
}

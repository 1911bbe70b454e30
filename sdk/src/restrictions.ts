// Everything that stands against agents, in one list. What puts something there is elsewhere: `stop`, `agents.freeze`,
// `flags.set`, `governance.fall`.
import type { Mode, RestrictionView } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, optional, textOf, wordOf } from './guard.ts';
import type { Transport } from './transport.ts';

const MODES = ['FULL', 'SUPERVISED', 'DRY_RUN'] as const satisfies readonly Mode[];

export interface Standing {
  /** Of the whole tenant, by the flag `autonomy.mode`. */
  readonly mode: Mode;
  /** Stops, freezes, pauses, phases, throttles, and flags that are off. */
  readonly items: readonly RestrictionView[];
}

export interface Restrictions {
  list(): Promise<Standing>;
}

export function createRestrictions(transport: Transport): Restrictions {
  return {
    async list() {
      const path = '/api/v1/restrictions';
      const of = fieldsOf(
        await transport.read({ method: 'GET', path, agent: null, isRepeatable: true }),
        'the answer',
      );
      return {
        mode: wordOf(of['mode'], MODES, 'mode'),
        items: listOf(of['items'], readRestriction, 'items'),
      };
    },
  };
}

function readRestriction(value: unknown, where: string): RestrictionView {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    kind: textOf(of['kind'], `${where}.kind`),
    scope: textOf(of['scope'], `${where}.scope`),
    floor: textOf(of['floor'], `${where}.floor`),
    except: listOf(of['except'], textOf, `${where}.except`),
    cause: textOf(of['cause'], `${where}.cause`),
    by: textOf(of['by'], `${where}.by`),
    since: optional(of['since'], textOf, `${where}.since`),
    until: optional(of['until'], textOf, `${where}.until`),
  };
}

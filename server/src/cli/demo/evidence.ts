// What came of a move, as facts that can be held against a promise: read from the server's view of the act, from the
// answer that the client got, and from the command line of a person.
import { listAt, textAt, textsAt } from '../read.ts';
import { AGENT } from './charter.ts';
import type { Facts, Outcome } from './scene.ts';
import type { Stage, Typed } from './stage.ts';

/** Nobody else asks for anything here, so the newest act is the one that was just called. */
export async function newestAct(stage: Stage): Promise<unknown> {
  const query = { agent: AGENT, limit: '1' };
  return listAt(await stage.admin.need({ method: 'GET', path: '/api/v1/actions', query }), 'items')[0];
}

export function factsOf(act: unknown): Facts {
  return {
    tier: textAt(act, 'decision', 'tier'),
    status: textAt(act, 'status'),
    code: textAt(act, 'decision', 'code'),
    action: textAt(act, 'action'),
  };
}

export function typedFacts({ exitCode, talk }: Typed): Facts {
  return exitCode === 0 ? { exitCode } : { exitCode, talk };
}

export function aboutAct(act: unknown): Pick<Outcome, 'reasons' | 'actionId'> {
  return { reasons: textsAt(act, 'decision', 'reasons'), actionId: textAt(act, 'id') };
}

export function contentOf(answer: unknown): string {
  return listAt(answer, 'content')
    .map((block) => textAt(block, 'text'))
    .join('\n');
}

// What was handed out and can be taken back, keys and grants alike: a list of what there is, and the end of one.
import { fieldsOf, listOf, truthOf } from './guard.ts';
import type { Transport } from './transport.ts';

export interface HandedOut<View> {
  readonly list: () => Promise<readonly View[]>;
  /** Takes effect on the next decision. */
  readonly revoke: (id: string) => Promise<void>;
}

export function createHandedOut<View>(
  transport: Transport,
  { path, readOne }: { readonly path: string; readonly readOne: (value: unknown, where: string) => View },
): HandedOut<View> {
  return {
    async list() {
      const answer = await transport.read({ method: 'GET', path, agent: null, isRepeatable: true });
      return listOf(fieldsOf(answer, 'the answer')['items'], readOne, 'items');
    },
    async revoke(id) {
      const one = `${path}/${encodeURIComponent(id)}`;
      const answer = await transport.read({ method: 'DELETE', path: one, agent: null, isRepeatable: false });
      truthOf(fieldsOf(answer, 'the answer')['revoked'], 'revoked');
    },
  };
}

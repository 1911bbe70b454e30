// What is asked of others before an action is judged: plug-ins, and what the same run did before.
import { postQuestion } from '../act/executors/post.ts';
import { createHistory } from '../decide/guardrails/history.ts';
import type { History } from '../decide/guardrails/history.ts';
import { createPlugins } from '../decide/guardrails/plugins.ts';
import type { Plugins } from '../decide/guardrails/plugins.ts';
import type { Infrastructure } from '../infrastructure.ts';
import { readSecret } from '../platform/config/secrets.ts';
import { deriveKey } from '../platform/crypto/derive.ts';
import { hmacKey, hmacSha256 } from '../platform/crypto/hash.ts';
import type { Seals } from '../platform/crypto/seal.ts';

export interface Lookback {
  readonly plugins: Plugins;
  readonly history: History;
}

export function buildLookback(
  { config, clock, masterKeys, store }: Infrastructure,
  seals: Pick<Seals, 'open'>,
): Lookback {
  const plugins = createPlugins({
    monotonicMs: () => clock.monotonicMs(),
    after: (waitMs, run) => clock.after(waitMs, run),
    ask({ plugin, body, signal }) {
      const secret = plugin.secret === null ? null : readSecret(config.dataDir, plugin.secret);
      if (plugin.secret !== null && secret === null)
        return Promise.reject(
          new Error(`its secret ${plugin.secret} is not there; put it into the data directory`),
        );
      return postQuestion({ url: plugin.url, secret, allowPrivate: plugin.allowPrivate, body, signal });
    },
  });
  const scopeKeys = masterKeys.all.map((master) => hmacKey(deriveKey(master, 'source-scope')));
  const history = createHistory({
    store,
    clock,
    unseal: async (tenant, sealed, purpose) =>
      JSON.parse((await seals.open(tenant, purpose, sealed)).toString('utf8')),
    scopeIds: (tenant, scope) => scopeKeys.map((key) => hmacSha256(key, tenant, '\0', scope)),
  });
  return { plugins, history };
}

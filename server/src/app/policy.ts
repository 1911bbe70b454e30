// Where policies meet the charters, the flags, the seals and the journal. The observer is built with the judgement,
// because the road tells it of every decision; the rest needs to open what acts were decided by.
import type { Infrastructure } from '../infrastructure.ts';
import { parseBundle, readBundle } from '../decide/charter/bundle.ts';
import type { Charters } from '../decide/charter/charter.ts';
import { renderError } from '../decide/charter/error.ts';
import { loadCharter } from '../decide/charter/load.ts';
import type { LoadedCharter, RefusedCharter } from '../decide/charter/load.ts';
import { createPolicyCharters } from '../decide/policy/charters.ts';
import type { Loaded, PolicyCharters } from '../decide/policy/charters.ts';
import type { EnforcementFlag } from '../decide/policy/enforcement.ts';
import { createObserver } from '../decide/policy/observe.ts';
import type { Observer } from '../decide/policy/observe.ts';
import { createPolicy } from '../decide/policy/policy.ts';
import type { Policy } from '../decide/policy/policy.ts';
import type { Evidence } from '../decide/policy/replay.ts';
import type { Flags } from '../decide/restrictions/flags.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import { writeEntry } from '../prove/journal/journal.ts';

export interface Trials {
  readonly policyCharters: PolicyCharters;
  readonly observer: Observer;
}

export interface TrialNeeds extends Pick<Infrastructure, 'store' | 'clock'> {
  readonly log: { warn(fields: object, message: string): void };
}

/** What the road needs: a charter on trial decides beside the live one. */
export function buildTrials({ store, clock, log }: TrialNeeds, charters: Charters): Trials {
  const policyCharters = createPolicyCharters({
    store,
    loadText: async (text) => loadedOf(await charters.check(text)),
    loadFiles: async (files) => loadedOf(await loadCharter(readBundle(files))),
    parseFiles: parseBundle,
    activeVersion: async (tenant) => (await charters.active(tenant))?.version ?? null,
  });
  const observer = createObserver({
    store,
    clock,
    charters: policyCharters,
    parseFiles: parseBundle,
    sha256: sha256Hex,
    failed: (error) =>
      log.warn({ err: error }, 'the charter on trial could not follow; what is decided is not touched by it'),
  });
  return { policyCharters, observer };
}

export interface PolicyParts {
  readonly infrastructure: Pick<Infrastructure, 'store' | 'clock' | 'chance'>;
  readonly trials: Trials;
  readonly flags: Flags;
  readonly unseal: (tenant: string, sealed: Uint8Array, place: string) => Promise<unknown>;
}

export function buildPolicy({ infrastructure, trials, flags, unseal }: PolicyParts): Policy {
  const { store, clock, chance } = infrastructure;
  return createPolicy({
    store,
    clock,
    uuid: chance.uuid,
    charters: trials.policyCharters,
    observer: trials.observer,
    writeEntry,
    // What we sealed ourselves under an authenticated cipher has the shape that we gave it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    unseal: async (tenant, actId, sealed) => (await unseal(tenant, sealed, `act:${actId}`)) as Evidence,
    async readFlag(tenant) {
      const row = (await flags.list(tenant)).find(({ key }) => key === 'enforcement');
      return flagOf(row?.value);
    },
    async setFlag({ tenant, to, reason, by, mayWiden, traceId }) {
      const set = await flags.set({
        tenant,
        key: 'enforcement',
        scope: '',
        value: to,
        reason,
        by,
        mayWiden,
        traceId,
      });
      if (set.kind === 'changed') return { kind: 'changed' };
      return { kind: 'refused', refusal: { code: set.code, detail: set.detail } };
    },
  });
}

/** As a decision reads it: what nobody understands enforces. */
function flagOf(value: unknown): EnforcementFlag {
  if (value === undefined || value === 'charter') return 'charter';
  return value === 'audit' ? 'audit' : 'enforce';
}

function loadedOf(read: LoadedCharter | RefusedCharter): Loaded {
  return read.kind === 'loaded'
    ? { kind: 'loaded', version: read.version, law: read.law, files: read.sources }
    : { kind: 'refused', problems: read.problems.map(renderError) };
}

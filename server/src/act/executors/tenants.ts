// Each tenant's charter names its own executors, so each tenant has a set of its own; functions that a program
// registers in process (openMandate) serve all of them.
import type { ExecutorSetting } from '@mandate/kernel';
import type { Executors } from './executors.ts';
import type { ExecutorFunction } from './functions.ts';

export interface TenantExecutors {
  of(tenant: string): Executors;
  /** Takes over the executors of a charter; the same version twice costs nothing. */
  configure(tenant: string, version: string, settings: Readonly<Record<string, ExecutorSetting>>): void;
  register(pattern: string, fn: ExecutorFunction): void;
  close(): Promise<void>;
}

export function createTenantExecutors(make: () => Executors): TenantExecutors {
  const byTenant = new Map<string, { readonly executors: Executors; version: string | null }>();
  const registered: (readonly [string, ExecutorFunction])[] = [];

  function entryOf(tenant: string) {
    const known = byTenant.get(tenant);
    if (known !== undefined) return known;
    const executors = make();
    for (const [pattern, fn] of registered) executors.registerExecutor(pattern, fn);
    const entry = { executors, version: null };
    byTenant.set(tenant, entry);
    return entry;
  }

  return {
    of: (tenant) => entryOf(tenant).executors,
    configure(tenant, version, settings) {
      const entry: { readonly executors: Executors; version: string | null } = entryOf(tenant);
      if (entry.version === version) return;
      entry.executors.configure(settings);
      entry.version = version;
    },
    register(pattern, fn) {
      registered.push([pattern, fn]);
      for (const { executors } of byTenant.values()) executors.registerExecutor(pattern, fn);
    },
    async close() {
      await Promise.all([...byTenant.values()].map(({ executors }) => executors.close()));
    },
  };
}

// Governance is reached with and without the version in its path, because dashboards and scripts written for the older
// paths must not have to change. It is the same route twice, so the two cannot drift apart.
import type { Route } from './route.ts';

const VERSIONED = '/api/v1/';

/** Each route under `/api/v1/…` and once more under `/api/…`. */
export function alsoUnversioned(routes: readonly Route[]): readonly Route[] {
  return routes.flatMap((route) =>
    route.path.startsWith(VERSIONED)
      ? [route, { ...route, path: `/api/${route.path.slice(VERSIONED.length)}` }]
      : [route],
  );
}

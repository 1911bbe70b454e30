// Keeps a tenant's charter in step with a file on disk. A file with a mistake changes nothing: the last good
// version stays in force, and this says so in the log and in its status until the file is right again.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Activation } from './activation.ts';
import type { Charters } from './charter.ts';
import { renderError } from './error.ts';
import { watchFiles } from './watch.ts';
import type { Watch } from './watch.ts';

export interface FollowNeeds {
  readonly charters: Pick<Charters, 'activateFile'>;
  readonly clock: Clock;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly tenant: string;
  readonly path: string;
  /** Whom the journal names for what comes from the file. */
  readonly author: string;
  /** How long a burst of changes must be over (default 100 ms). */
  readonly settleMs?: number;
  /** Between two looks at the file (default 2,000 ms). */
  readonly pollMs?: number;
}

export type FollowStatus =
  | { readonly kind: 'unread' }
  | { readonly kind: 'current'; readonly version: string }
  /** The file has mistakes, or the database did not take it: what was in force still is. */
  | {
      readonly kind: 'behind';
      readonly version: string | null;
      readonly sinceMs: number;
      readonly problems: readonly string[];
    };

export interface Follower {
  /** Reads the file now. Throws where the database does not answer. */
  reload(): Promise<Activation>;
  status(): FollowStatus;
  /** Begins to watch the file and what it extends. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createFollower(needs: FollowNeeds): Follower {
  const { charters, clock, log, tenant, path, author, settleMs = 100, pollMs = 2_000 } = needs;
  let status: FollowStatus = { kind: 'unread' };
  let ownPaths: readonly string[] = [path];
  let watching: Watch | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let cancelRetry = (): void => {};

  const fallBehind = (problems: readonly string[]): void => {
    const version = status.kind === 'unread' ? null : status.version;
    status = {
      kind: 'behind',
      version,
      sinceMs: status.kind === 'behind' ? status.sinceMs : clock.nowMs(),
      problems,
    };
    log.error(
      { tenant, path, version, problems },
      `${path} was refused; the last good charter stays in force. Correct the file: it is read again when it changes`,
    );
  };

  const read = async (): Promise<Activation> => {
    const activation = await charters.activateFile({ tenant, path, author });
    ownPaths = activation.ownPaths;
    if (activation.kind === 'refused') {
      fallBehind(activation.problems.map(renderError));
      return activation;
    }
    status = { kind: 'current', version: activation.version };
    if (activation.kind === 'activated') {
      const warnings = activation.warnings.map(renderError);
      log.info(
        { tenant, path, version: activation.version, previous: activation.previous, warnings },
        'charter activated',
      );
    }
    return activation;
  };

  // One at a time, in order: an older reading must not overtake a newer one.
  const reload = (): Promise<Activation> => {
    const next = last.then(read);
    last = Promise.allSettled([next]);
    return next;
  };

  const reloadUntilTaken = async (): Promise<void> => {
    cancelRetry();
    try {
      await reload();
    } catch (error) {
      fallBehind([
        `the charter could not be stored: ${error instanceof Error ? error.message : String(error)}`,
      ]);
      cancelRetry = clock.after(pollMs, () => void reloadUntilTaken());
    }
  };

  return {
    reload,
    status: () => status,
    async start() {
      watching ??= await watchFiles({
        clock,
        log,
        paths: () => ownPaths,
        onChange: reloadUntilTaken,
        settleMs,
        pollMs,
      });
    },
    async stop() {
      cancelRetry();
      await watching?.stop();
      watching = null;
      await last;
      cancelRetry();
    },
  };
}

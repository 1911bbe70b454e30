// What the doors are handed once everything behind them stands. Each part of them takes of it what it opens with, and none
// has to know who opens the others.
import type { Infrastructure } from '../infrastructure.ts';
import type { Workflows } from '../act/workflows/workflows.ts';
import type { Check, OpenPathsNeeds } from '../api/http/open-paths.ts';
import type { Sentinel } from '../decide/restrictions/sentinel.ts';
import type { Route } from '../platform/http/route.ts';
import type { Feed } from '../prove/journal/feed.ts';
import type { Journal } from '../prove/journal/journal.ts';
import type { MetricsText } from '../prove/metrics/governance-metrics.ts';
import type { Metrics } from '../prove/metrics/metrics.ts';
import type { Authority } from './authority.ts';
import type { Execution } from './execution.ts';
import type { Judgement } from './judgement.ts';
import type { Notify } from './notify.ts';
import type { ReadingNeeds } from './reading-pages.ts';

export interface DoorsNeeds {
  readonly infrastructure: Infrastructure;
  readonly authority: Authority;
  readonly judgement: Judgement;
  readonly execution: Execution;
  readonly notify: Notify;
  readonly workflows: Workflows;
  readonly sentinel: Sentinel;
  readonly journal: Journal;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly isSealed: (tenant: string) => boolean;
  readonly checks: () => Promise<readonly Check[]>;
  readonly closing: AbortSignal;
  readonly version: string;
  /** Where people and other machines reach this server. */
  readonly publicUrl: () => string;
  /** Somebody was given the metrics. */
  readonly noteScrape: OpenPathsNeeds['noteScrape'];
  /** What Prometheus reads beside the processes' own counters. */
  readonly scrape: MetricsText;
  /** Routes of what watches over autonomy, composed in app.ts. */
  readonly governanceRoutes: readonly Route[];
  /** Where the links in messages about acts, incidents and reports lead. */
  readonly readings: Pick<ReadingNeeds, 'links' | 'incidents' | 'openReport'>;
}

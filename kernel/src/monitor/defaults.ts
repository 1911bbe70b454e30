// The four breakers that guard a governed set from its first day on. Each figure is a row that people may change.
import { DEFAULT_MIN_SAMPLES } from '../monitor.ts';
import type { BreakerRule } from '../monitor.ts';

/** What guards a governed set for which nothing else was written. */
export const DEFAULT_BREAKERS: readonly BreakerRule[] = [
  {
    name: 'High Error Rate',
    enabled: true,
    condition: 'errorRate > 0.05',
    window: '5m',
    action: 'revert_to_l3',
    alertSeverity: 'critical',
    minSamples: DEFAULT_MIN_SAMPLES,
  },
  {
    name: 'Repeated Command Failures',
    enabled: true,
    condition: 'commandType.failures >= 3',
    window: '5m',
    action: 'pause_command_type',
    alertSeverity: 'alert',
    minSamples: DEFAULT_MIN_SAMPLES,
  },
  {
    name: 'Critical Incident',
    enabled: true,
    condition: 'incidents.critical > 0',
    window: '1m',
    action: 'revert_to_l3',
    alertSeverity: 'critical',
    minSamples: DEFAULT_MIN_SAMPLES,
  },
  {
    name: 'High Rollback Rate',
    enabled: true,
    condition: 'rollbackRate > 0.1',
    window: '15m',
    action: 'alert_only',
    alertSeverity: 'warning',
    minSamples: DEFAULT_MIN_SAMPLES,
  },
];

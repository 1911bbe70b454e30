// How loudly people are told. Breakers and objectives write it alike, whatever made them speak.

/** `alert` and `critical` open an incident. */
export type AlertSeverity = 'info' | 'warning' | 'alert' | 'critical';

export const ALERT_SEVERITIES: readonly AlertSeverity[] = ['info', 'warning', 'alert', 'critical'];

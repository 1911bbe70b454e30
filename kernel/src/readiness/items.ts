// The 80 points that ship: what a set of actions must show before more of it runs by itself. Charter data like every
// other list; a charter that writes its own replaces it.
import type { ReadinessCategory, ReadinessItem } from './item.ts';

const DAY_MS = 86_400_000;

/** What the categories add up to where a charter declares nothing else. */
export const DEFAULT_READINESS_TOTALS: Readonly<Record<ReadinessCategory, number>> = {
  technical: 35,
  process: 25,
  organizational: 20,
};

interface Measure {
  readonly weight: number;
  readonly required?: true;
  readonly when: string;
  readonly next: string;
}

interface Word {
  readonly weight: number;
  readonly required?: true;
  readonly roles: readonly string[];
  readonly days: number;
}

type Group = Readonly<Record<string, Measure | Word>>;

const COMMAND_PERFORMANCE: Group = {
  '6+ months at the current phase': {
    weight: 5,
    required: true,
    when: 'monthsAtPhase >= 6',
    next: 'Stay at the current phase until six months (of 30 days) are over.',
  },
  'success rate > 99.5 %': {
    weight: 5,
    required: true,
    when: 'successRate > 0.995',
    next: 'Find out why commands fail: GET /api/v1/actions?status=failed lists them.',
  },
  'approval rate > 80 %': {
    weight: 3,
    when: 'approvalRate > 0.8',
    next: 'Have the agent propose what people approve: GET /api/v1/approvals?status=denied says what they refused, and why.',
  },
  'rollback rate < 2 %': {
    weight: 2,
    when: 'rollbackRate < 0.02',
    next: 'Look at what was rolled back, and keep the agent from it.',
  },
};

const SAFETY_AND_TESTING: Group = {
  'eval coverage > 90 %': {
    weight: 5,
    required: true,
    when: 'evalCoverage > 0.9',
    next: 'Write cases for the commands that no eval covers (GET /api/v1/evals/coverage), and run the evals.',
  },
  'zero critical incidents from autonomous actions': {
    weight: 5,
    required: true,
    when: 'incidents.criticalFromAutonomousActions == 0',
    next: 'Resolve the cause of each; it counts until it lies further back than readiness looks.',
  },
};

const INFRASTRUCTURE: Group = {
  'circuit breakers configured': {
    weight: 3,
    required: true,
    when: 'breakersConfigured > 0',
    next: 'Switch a rule on: PATCH /api/v1/circuit-breaker/rules/{name}.',
  },
  'monitoring in place': {
    weight: 3,
    required: true,
    when: 'metricsScrapedWithinMs <= 300000',
    next: 'Have Prometheus scrape /metrics at least every 5 minutes.',
  },
  'kill switch tested': {
    weight: 2,
    when: 'killSwitchDrillAgeDays <= 90',
    next: 'Pull it on purpose: mandate governance drill kill-switch.',
  },
  'chaos testing completed': {
    weight: 2,
    when: 'chaosDrillAgeDays <= 90',
    next: 'Break something on purpose, and report it: mandate governance drill chaos.',
  },
};

const DOCUMENTATION: Group = {
  'runbooks complete': { weight: 5, required: true, roles: ['ops-lead', 'tech-lead'], days: 180 },
  'incident playbooks': { weight: 3, roles: ['ops-lead', 'tech-lead'], days: 180 },
  'architecture docs updated': { weight: 2, roles: ['tech-lead'], days: 180 },
};

const APPROVAL_WORKFLOW: Group = {
  'clear escalation path': { weight: 4, required: true, roles: ['ops-lead', 'tech-lead'], days: 180 },
  'stakeholder sign-off': { weight: 4, required: true, roles: ['exec-sponsor', 'product-lead'], days: 90 },
};

const COMPLIANCE: Group = {
  'security review': { weight: 3, roles: ['tech-lead', 'ops-lead'], days: 180 },
  'audit trail': {
    weight: 2,
    when: 'auditVerification.passed && auditVerification.ageDays <= 90',
    next: 'Verify it: mandate governance drill audit-verification.',
  },
  'rollback plan documented': { weight: 2, roles: ['tech-lead', 'ops-lead'], days: 180 },
};

const TEAM_READINESS: Group = {
  'on-call rotation trained': { weight: 6, required: true, roles: ['ops-lead'], days: 180 },
  'team consensus': { weight: 6, required: true, roles: ['tech-lead', 'ops-lead'], days: 90 },
};

const STAKEHOLDER_BUY_IN: Group = {
  'product approval': { weight: 4, required: true, roles: ['product-lead'], days: 90 },
  'ops approval': { weight: 4, required: true, roles: ['ops-lead'], days: 90 },
};

export const DEFAULT_READINESS_ITEMS: readonly ReadinessItem[] = [
  ...itemsOf('technical', 'command performance', COMMAND_PERFORMANCE),
  ...itemsOf('technical', 'safety and testing', SAFETY_AND_TESTING),
  ...itemsOf('technical', 'infrastructure', INFRASTRUCTURE),
  ...itemsOf('process', 'documentation', DOCUMENTATION),
  ...itemsOf('process', 'approval workflow', APPROVAL_WORKFLOW),
  ...itemsOf('process', 'compliance', COMPLIANCE),
  ...itemsOf('organizational', 'team readiness', TEAM_READINESS),
  ...itemsOf('organizational', 'stakeholder buy-in', STAKEHOLDER_BUY_IN),
];

function itemsOf(category: ReadinessCategory, group: string, items: Group): readonly ReadinessItem[] {
  return Object.entries(items).map(([name, it]) => {
    const item = { name, category, group, weight: it.weight, required: it.required ?? false };
    return 'when' in it
      ? { ...item, kind: 'measured', when: it.when, next: it.next }
      : { ...item, kind: 'attested', roles: it.roles, expiresMs: it.days * DAY_MS, next: null };
  });
}

// The only entry of the SDK: put an agent under Mandate. Ask before acting, report afterwards.
export type { ActStatus, ApprovalRef, DecisionView } from './act-view.ts';
export type { AskedAction, CallOptions, WaitOptions } from './ask.ts';
export type {
  CaseResult,
  CharterActivation,
  CharterDiff,
  CharterMessage,
  CharterPolicy,
  CharterVersion,
  CharterVersions,
  Considered,
  DiffedRule,
  Explanation,
  FieldChange,
  PolicyCase,
  PolicyCheck,
  PolicyTest,
  RollbackReport,
  WrittenVersion,
} from './charter.ts';
export { createMandate } from './client.ts';
export type { Mandate, MandateOptions } from './client.ts';
export type {
  AlertSeverity,
  BreakerAction,
  BreakerEvent,
  BreakerPatch,
  BreakerRule,
  Breakers,
  Objective,
} from './breakers.ts';
export type { ChaosReport, Drill, DrillKind, Drills } from './drills.ts';
export { MandateDenied, MandateHeld, MandateProblem, MandateUnavailable } from './errors.ts';
export type { Problem, UnavailableReason } from './errors.ts';
export type { EvalCoverage, EvalRun, Evals, EvalSet, EvalSummary } from './evals.ts';
export type { EventsOptions, MandateEvent } from './events.ts';
export type { CallMapping, ToolCall } from './gate-call.ts';
export type { Gate, GateOptions, Opening, Review } from './gate.ts';
export type { Govern, Governed, GovernedTools, GovernOptions, Tool } from './govern.ts';
export type {
  Incident,
  IncidentDetails,
  IncidentOrder,
  IncidentPage,
  IncidentQuery,
  Incidents,
  IncidentSeverity,
} from './incidents.ts';
export type { Fetch, FetchBody, FetchInit, FetchResponse, Machine } from './machine.ts';
export type { ChannelState, Notification, Notifications } from './notifications.ts';
export type {
  AgentView,
  Agents,
  Approval,
  ApprovalFigures,
  ApprovalStats,
  Approvals,
  BulkOrder,
  Operator,
  ResumeReport,
  Shown,
  StandingStop,
  Stats,
  StopLevel,
  StopOrder,
  StopReport,
  StopStatus,
} from './operator.ts';
export type {
  Denied,
  Executed,
  Failed,
  Held,
  Other,
  Outcome,
  Permit,
  Permitted,
  Ran,
  RanAndFailed,
  RunOutcome,
} from './outcome.ts';
export type {
  CharterRef,
  Difference,
  DifferenceGroup,
  Drifted,
  EnforcementView,
  Policy,
  PolicyChange,
  PolicyRange,
  ShadowReport,
  SimulationReport,
  Suggestion,
  Verdict,
} from './policy.ts';
export type {
  CommandCounts,
  CommandTypeMetrics,
  GovernanceMetrics,
  KeptMetrics,
  Metrics,
  MetricsQuery,
  MetricsSet,
} from './metrics.ts';
export type { Rollback } from './rollback.ts';
export type {
  FallReport,
  Governance,
  GovernanceState,
  PhaseChange,
  Proposal,
  ProposalVerdict,
} from './governance.ts';
export type {
  Attestation,
  AttestOrder,
  EvidenceRef,
  KeptReadiness,
  Readiness,
  ReadinessItemView,
  ReadinessPartView,
  ReadinessScore,
  ReadinessView,
} from './readiness.ts';
export type { ReportLine, Reports, WeeklyReport } from './reports.ts';
export type { Begun, Ended, Running, RunOptions, Runs } from './run.ts';
export type {
  SimulationOrder,
  Trust,
  TrustEntry,
  TrustPage,
  TrustQuery,
  TrustSimulation,
  TrustStanding,
} from './trust.ts';
export { defineWorkflow } from './workflows.ts';
export type {
  DryWorkflowStep,
  StartWorkflow,
  WorkflowDefinition,
  WorkflowInput,
  WorkflowInputType,
  WorkflowRun,
  WorkflowRunDetails,
  Workflows,
  WorkflowStep,
  WorkflowStepView,
  WorkflowTemplateView,
} from './workflows.ts';

// The only entry of the SDK: put an agent under Mandate. Ask before acting, report afterwards.
export type { ActStatus } from './act-view.ts';
export type { ApprovalRef, DecisionView } from './decision-view.ts';
export type { Act, ActPage, ActQuery, ActReport, Acts, Resolution } from './acts.ts';
export type { AskedAction, CallOptions, WaitOptions } from './ask.ts';
export type { CharterPolicy, PolicyCase } from './charter.ts';
export type {
  CaseResult,
  CharterMessage,
  Considered,
  Explanation,
  PolicyCheck,
  PolicyTest,
} from './charter-view.ts';
export type {
  CharterActivation,
  CharterDiff,
  CharterVersion,
  CharterVersions,
  DiffedRule,
  FieldChange,
  RollbackReport,
  WrittenVersion,
} from './charter-history-view.ts';
export { createMandate } from './client.ts';
export type { Mandate, MandateOptions } from './client.ts';
export type { BreakerEvent, BreakerPatch, BreakerRule, Breakers, Objective } from './breakers.ts';
export type { ChaosReport, Drill, DrillKind, Drills } from './drills.ts';
export { MandateDenied, MandateHeld, MandateProblem, MandateUnavailable } from './errors.ts';
export type { Problem, UnavailableReason } from './errors.ts';
export type { EvalCoverage, EvalRun, Evals, EvalSet, EvalSummary } from './evals.ts';
export type { EventsOptions, MandateEvent } from './events.ts';
export type { FlagChange, FlagOrder, Flags } from './flags.ts';
export type { CallMapping, ToolCall } from './gate-call.ts';
export type { Gate, GateOptions, Opening, Review } from './gate.ts';
export type { Govern, Governed, GovernedTools, GovernOptions, Tool } from './govern.ts';
export type { GivenGrant, GrantOrder, Grants } from './grants.ts';
export type {
  Incident,
  IncidentDetails,
  IncidentOrder,
  IncidentPage,
  IncidentQuery,
  Incidents,
  IncidentSeverity,
} from './incidents.ts';
export type { KeyOrder, Keys, MadeKey } from './keys.ts';
export type { Fetch, FetchBody, FetchInit, FetchResponse, Machine } from './machine.ts';
export type { ChannelState, Notification, Notifications } from './notifications.ts';
export type { Agents, Approvals, BulkOrder, Operator, StopLevel, StopOrder } from './operator.ts';
export type { Shown } from './operator-view.ts';
export type {
  AgentView,
  Approval,
  ApprovalFigures,
  ApprovalStats,
  ResumeReport,
  StandingStop,
  StopReport,
  StopStatus,
} from './operator-view.ts';
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
export type { CharterRef, Policy, PolicyRange } from './policy.ts';
export type { EnforcementView } from './policy-view.ts';
export type { KeptMetrics, Metrics, MetricsQuery, MetricsSet } from './metrics.ts';
export type {
  AlertSeverity,
  BreakerAction,
  CommandCounts,
  CommandTypeMetrics,
  Difference,
  DifferenceGroup,
  Drifted,
  FlagValue,
  FlagView,
  GovernanceMetrics,
  GrantView,
  HeldTool,
  KeyView,
  OfferView,
  PolicyChange,
  Proposal,
  ReadinessItemView,
  ReadinessPartView,
  ReadinessScore,
  ReadinessView,
  RestrictionView,
  ShadowReport,
  SimulationReport,
  Stats,
  Suggestion,
  ToolView,
  Verdict,
} from '@mandate/kernel';
export type { Offers } from './offers.ts';
export type { Restrictions, Standing } from './restrictions.ts';
export type { Rollback } from './rollback.ts';
export type { FallReport, Governance, GovernanceState, PhaseChange, ProposalVerdict } from './governance.ts';
export type { Attestation, AttestOrder, EvidenceRef, KeptReadiness, Readiness } from './readiness.ts';
export type { ReportLine, Reports, WeeklyReport } from './reports.ts';
export type { Begun, Ended, Running, RunOptions, Runs } from './run.ts';
export type { SeenTools, Tools } from './tools.ts';
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

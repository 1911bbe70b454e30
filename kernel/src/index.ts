// The only entry of the kernel: the decision law and the plain data that it reads and returns.
export type { Action, Json, JsonObject, Resource, Severity, User } from './action.ts';
export {
  actionDigestText,
  APPROVER_ROLES,
  capacitiesOf,
  DEFAULT_APPROVALS,
  DEFAULT_APPROVAL_MS,
  DEFAULT_NEEDS,
  describeCapacities,
  missingSince,
  tally,
} from './approval.ts';
export type {
  ApprovalNeeds,
  ApprovalSettings,
  Capacity,
  EscalationStep,
  FatigueSettings,
  GivenApproval,
  Requester,
  SignatureGrant,
  StandIn,
  Tally,
  Turn,
  Vote,
} from './approval.ts';
export { canonicalJson, canonicalProblem, MAX_CANONICAL_DEPTH } from './audit.ts';
export type { CanonicalProblem } from './audit.ts';
export { agentClassOf } from './charter.ts';
export type {
  ActionSetting,
  AgentSetting,
  Charter,
  ExecutorSetting,
  LimitSettings,
  Rule,
  RuleException,
  Selectors,
  UserSetting,
} from './charter.ts';
export { compileCondition, compileExpression, RULE_ROOTS } from './condition.ts';
export { CelMap, Duration, formatType, listOf, mapOf, Timestamp, TypeName, Uint } from './condition.ts';
export type {
  CelType,
  CelValue,
  Condition,
  ConditionProblem,
  EvaluationError,
  Expression,
  Refused,
} from './condition.ts';
export { decideCycle, isoWeekOf, readinessReasons } from './cycle.ts';
export type { CycleFacts, ReadinessStanding } from './cycle.ts';
export { writeProposal } from './cycle-proposal.ts';
export type { ProposalFacts } from './cycle-proposal.ts';
export { decide } from './decide.ts';
export type { Decision, DecisionCode, Effect, TraceEntry } from './decide.ts';
export { compileFlows, FLOW_ROOTS, MAX_LOOKBACK_MS } from './flow.ts';
export type { FlowBook, FlowRule, PastAct } from './flow.ts';
export { explainRules, meantName } from './explain.ts';
export type { ConsideredRule, RuleStanding } from './explain.ts';
export {
  compileGlobs,
  compileGuardrails,
  DEFAULT_GUARDRAILS,
  DEFAULT_TAINT,
  detectFindings,
  findSecrets,
  parseWindow,
  pathParameters,
  redact,
  redactText,
  touchesPath,
} from './finding.ts';
export type {
  CompiledGlob,
  DeploymentFacts,
  Finding,
  FindingNeeds,
  FindingSeverity,
  GuardrailPlugin,
  Guardrails,
  GuardrailSettings,
  TaintSettings,
} from './finding.ts';
export { guardrailNameProblem, OWN_ROOTS } from './finding/own.ts';
export type { OwnGuardrail } from './finding/own.ts';
export { isGoverned, phaseIndex, PROPOSAL_MS } from './governed-set.ts';
export type { GovernedSet, Phase } from './governed-set.ts';
export { isLive, missingConsent, missingGrant, missingScope } from './grant.ts';
export type { Grant, GrantKind, MissingAuthority } from './grant.ts';
export { compileLaw, settingOf } from './law.ts';
export type { CharterProblem, Law, LawResult } from './law.ts';
export { describeExceeded, findExceeded, reservationsFor } from './limit.ts';
export type { LimitSubject, Reservation } from './limit.ts';
export {
  ALERT_SEVERITIES,
  BREAKER_ACTIONS,
  compileBreaker,
  DEFAULT_MIN_SAMPLES,
  MONITOR_ROOTS,
  plainMetrics,
  ratesOf,
} from './monitor.ts';
export type {
  AlertSeverity,
  Breaker,
  BreakerAction,
  BreakerProblem,
  BreakerRule,
  BreakerSetting,
  CommandCounts,
  CommandTypeMetrics,
  MonitorMetrics,
  MonitorSettings,
} from './monitor.ts';
export { DEFAULT_BREAKERS } from './monitor/defaults.ts';
export { readMonitorWindow } from './monitor/window.ts';
export { stepEpisode } from './monitor/episode.ts';
export type { Trouble } from './monitor/trouble.ts';
export type { Episode } from './monitor/episode.ts';
export { BURN_ALERTS, burnRate, burnsOf, errorBudget, sloProblems } from './monitor/slo.ts';
export type { Burn, GoodOfTotal, SloIndicator, SloSetting } from './monitor/slo.ts';
export { growMerkleTree } from './merkle.ts';
export type { MerkleTree, Sha256 } from './merkle.ts';
export { nearest, suggest } from './nearest.ts';
export { CONTACT_KINDS, DEFAULT_NOTIFY, URGENT_KINDS } from './notify.ts';
export type {
  ChannelKind,
  ChannelSetting,
  NotifyMode,
  NotifyPolicy,
  NotifySettings,
  UrgentKind,
} from './notify.ts';
export {
  anyPatternCovers,
  compareSpecificity,
  isActionName,
  patternCovers,
  patternProblem,
} from './pattern.ts';
export {
  compilePlan,
  MAX_STEPS,
  nextSteps,
  nextTick,
  parseCron,
  readInstance,
  readsOf,
  ticksOf,
} from './plan.ts';
export type {
  Awaiting,
  CronTicks,
  GivenUp,
  InputSetting,
  Memo,
  Next,
  Plan,
  PlanStep,
  RunEnd,
  RunFacts,
  RunMode,
  ScheduleSetting,
  Settled,
  StepCall,
  StepSetting,
  StepState,
  StepWork,
  TemplatePath,
  TemplateProblem,
  WorkflowTemplate,
} from './plan.ts';
export { compileReadiness, READINESS_CATEGORIES, READY_SCORE, VALIDATION_SCORE } from './readiness.ts';
export type {
  Attested,
  Readiness,
  ReadinessCategory,
  ReadinessGround,
  ReadinessItem,
  ReadinessItemReport,
  ReadinessPart,
  ReadinessProblem,
  ReadinessReport,
  ReadinessSetting,
  ReadinessVerdict,
} from './readiness.ts';
export { FACT_NAMES, READINESS_ROOTS, UNKNOWN_FACTS } from './readiness/facts.ts';
export type { FactName, ReadinessFacts } from './readiness/facts.ts';
export { DEFAULT_READINESS_ITEMS, DEFAULT_READINESS_TOTALS } from './readiness/items.ts';
export type {
  AuditRoot,
  CommandRecord,
  CycleDecision,
  CycleReason,
  CycleReasonCode,
  GovernanceMetrics,
  GovernanceReport,
  PhaseProposal,
  ProposedCommand,
  ReportedBreaker,
  ReportedIncident,
  ReportedItem,
  ReportedObjective,
  ReportedReadiness,
} from './report.ts';
export { covers, inForce, isExcepted, parseScope, scopeCovers } from './restriction.ts';
export type { Restriction, RestrictionKind, RestrictionSubject, Scope, ScopeResult } from './restriction.ts';
export type { RuleMatch } from './rule-outcome.ts';
export type { CompiledRule } from './rule-compile.ts';
export { compareRules, matchRule } from './rule.ts';
export { findRuleWarnings } from './rule-warnings.ts';
export type { RuleWarning } from './rule-warnings.ts';
export type { RuleBook, RuleFacts } from './rule.ts';
export type { Facts, Mode, Snapshot } from './snapshot.ts';
export { claimedContent, hasTaintClaim, readSource, traceTaint } from './taint.ts';
export type { TaintMark, TaintSource } from './taint.ts';
export type { Passages } from './taint-passages.ts';
export { compareTiers, strictest, TIERS } from './tier.ts';
export type { Tier } from './tier.ts';
export { DEFAULT_TRUST, driftTrust, moveTrust, newTrust, trustLevel } from './trust.ts';
export type { TrustEvent, TrustLevel, TrustMove, TrustSettings, TrustState } from './trust.ts';
export { beginReplay, endReplay, replayOutcome } from './trust-replay.ts';
export type { TrustOutcome, TrustReplay } from './trust-replay.ts';

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
  ApprovalSettings,
  ApprovalStatus,
  FatigueSettings,
  GivenApproval,
  Requester,
  SignatureGrant,
  StandIn,
  Tally,
  Turn,
} from './approval.ts';
export type { Capacity, Vote } from './vote.ts';
export type { ApprovalNeeds, EscalationStep } from './approval-needs.ts';
export { canonicalJson, canonicalProblem, MAX_CANONICAL_DEPTH } from './audit.ts';
export type { CanonicalProblem } from './audit.ts';
export { agentClassOf } from './charter.ts';
export type {
  AgentSetting,
  Charter,
  ExecutorSetting,
  LimitSettings,
  Rule,
  RuleException,
  Selectors,
  UserSetting,
} from './charter.ts';
export type { ActionSetting, ResourceSetting } from './action-setting.ts';
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
export type { Decision, DecisionCode, Effect, TraceEntry } from './decision.ts';
export { compileFlows, FLOW_ROOTS, MAX_LOOKBACK_MS } from './flow.ts';
export type { FlowBook, FlowRule, PastAct } from './flow.ts';
export { explainRules, meantName } from './explain.ts';
export type { ConsideredRule, RuleStanding } from './explain.ts';
export { parseWindow } from './finding/deployment.ts';
export { findSecrets } from './finding/secrets.ts';
export { redact, redactText } from './finding/redact.ts';
export { pathParameters, touchesPath } from './finding/paths.ts';
export { compileGuardrails } from './finding/guardrails.ts';
export { compileGlobs } from './finding/glob.ts';
export { detectFindings } from './finding/detect.ts';
export { DEFAULT_GUARDRAILS, DEFAULT_TAINT } from './finding/guardrail-settings.ts';
export type { Finding, FindingSeverity } from './finding.ts';
export type { Guardrails } from './finding/guardrails.ts';
export type { CompiledGlob } from './finding/glob.ts';
export type { FindingNeeds } from './finding/detect.ts';
export type { DeploymentFacts } from './finding/deployment.ts';
export type { GuardrailPlugin, GuardrailSettings, TaintSettings } from './finding/guardrail-settings.ts';
export { guardrailNameProblem, OWN_ROOTS } from './finding/own.ts';
export type { OwnGuardrail } from './finding/guardrail-settings.ts';
export { restoreRedacted } from './finding/restore.ts';
export type { Restored } from './finding/restore.ts';
export { isGoverned, phaseIndex, PROPOSAL_MS } from './governed-set.ts';
export type { GovernedSet, Phase } from './governed-set.ts';
export { isLive, missingConsent, missingGrant, missingScope } from './grant.ts';
export type { Grant, GrantKind, MissingAuthority } from './grant.ts';
export { settingOf } from './law.ts';
export { compileLaw } from './law-compile.ts';
export type { Law } from './law.ts';
export type { LawResult } from './law-compile.ts';
export type { CharterProblem } from './charter-problem.ts';
export { describeExceeded, findExceeded, reservationsFor } from './limit.ts';
export type { LimitSubject, Reservation } from './limit.ts';
export {
  BREAKER_ACTIONS,
  compileBreaker,
  DEFAULT_MIN_SAMPLES,
  MONITOR_ROOTS,
  NO_COMMANDS,
  plainMetrics,
  ratesOf,
} from './monitor.ts';
export { ALERT_SEVERITIES } from './monitor/alert-severity.ts';
export type {
  Breaker,
  BreakerAction,
  BreakerProblem,
  BreakerRule,
  BreakerSetting,
  CommandCounts,
  CommandRates,
  CommandTypeMetrics,
  MonitorMetrics,
  MonitorSettings,
} from './monitor.ts';
export type { AlertSeverity } from './monitor/alert-severity.ts';
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
export type { Proposal } from './proposal.ts';
export { compileReadiness, READY_SCORE, VALIDATION_SCORE } from './readiness.ts';
export { READINESS_CATEGORIES } from './readiness/item.ts';
export type {
  Readiness,
  ReadinessPart,
  ReadinessProblem,
  ReadinessReport,
  ReadinessSetting,
} from './readiness.ts';
export type { Attested, ReadinessGround, ReadinessItemReport } from './readiness/ground.ts';
export type { ReadinessCategory, ReadinessItem } from './readiness/item.ts';
export { FACT_NAMES, READINESS_ROOTS, UNKNOWN_FACTS } from './readiness/facts.ts';
export type { FactName, ReadinessFacts } from './readiness/facts.ts';
export { DEFAULT_READINESS_ITEMS, DEFAULT_READINESS_TOTALS } from './readiness/items.ts';
export type {
  ReadinessItemView,
  ReadinessPartView,
  ReadinessScore,
  ReadinessVerdict,
  ReadinessView,
} from './readiness/view.ts';
export { wordEndMs, wordStatus } from './readiness/word.ts';
export type { WordStatus } from './readiness/word.ts';
export type {
  AuditRoot,
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
export { resourceProblem, withResource } from './resource.ts';
export type { ResourceWord } from './resource.ts';
export { covers, inForce, isExcepted, parseScope, scopeCovers } from './restriction.ts';
export type { Restriction, RestrictionKind, RestrictionSubject, Scope, ScopeResult } from './restriction.ts';
export type { CompiledRule, RuleMatch } from './compiled-rule.ts';
export { compareRules, matchRule } from './rule.ts';
export { findRuleWarnings } from './rule-warnings.ts';
export type { RuleWarning } from './rule-warnings.ts';
export type { RuleBook } from './rule-book.ts';
export type { RuleFacts } from './rule-facts.ts';
export { sameJson } from './same-json.ts';
export { missingRolesOf } from './seating.ts';
export type {
  Difference,
  DifferenceGroup,
  Drifted,
  PolicyChange,
  ShadowReport,
  SimulationReport,
  StillHeld,
  Suggestion,
  Verdict,
} from './simulation.ts';
export type { Snapshot } from './snapshot.ts';
export type { Facts, Mode } from './facts.ts';
export type { Stats } from './stats.ts';
export { claimedContent, hasTaintClaim, readSource, traceTaint } from './taint.ts';
export type { TaintMark, TaintSource } from './taint.ts';
export type { Passages } from './taint-passages.ts';
export { compareTiers, strictest, TIERS } from './tier.ts';
export type { Tier } from './tier.ts';
export { DEFAULT_TRUST, driftTrust, moveTrust, newTrust, trustLevel } from './trust.ts';
export type { TrustEvent, TrustLevel, TrustMove, TrustSettings, TrustState } from './trust.ts';
export { beginReplay, endReplay, replayOutcome } from './trust-replay.ts';
export type { TrustOutcome, TrustReplay } from './trust-replay.ts';
export type {
  FlagValue,
  FlagView,
  GrantView,
  HeldTool,
  KeyView,
  OfferView,
  RestrictionView,
  ToolView,
} from './views.ts';

// The only entry of the kernel: the decision law and the plain data that it reads and returns.
export type { Action, Json, JsonObject, Resource, Severity, User } from './action.ts';
export { actionDigestText, APPROVER_ROLES, DEFAULT_APPROVAL_MS, DEFAULT_NEEDS, tally } from './approval.ts';
export type { ApprovalNeeds, GivenApproval, Requester, Tally, Vote } from './approval.ts';
export { canonicalJson, canonicalProblem, MAX_CANONICAL_DEPTH } from './audit.ts';
export type { CanonicalProblem } from './audit.ts';
export { agentClassOf } from './charter.ts';
export type {
  ActionSetting,
  AgentSetting,
  Charter,
  ExecutorSetting,
  LimitSettings,
  NotifySettings,
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
export { decide } from './decide.ts';
export type { Decision, DecisionCode, Effect, TraceEntry } from './decide.ts';
export { explainRules } from './explain.ts';
export type { ConsideredRule, RuleStanding } from './explain.ts';
export {
  compileGlobs,
  compileGuardrails,
  DEFAULT_GUARDRAILS,
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
  Guardrails,
  GuardrailSettings,
} from './finding.ts';
export { isLive, missingConsent, missingGrant, missingScope } from './grant.ts';
export type { Grant, GrantKind, MissingAuthority } from './grant.ts';
export { compileLaw, settingOf } from './law.ts';
export type { CharterProblem, Law, LawResult } from './law.ts';
export { describeExceeded, findExceeded, reservationsFor } from './limit.ts';
export type { LimitSubject, Reservation } from './limit.ts';
export { nearest, suggest } from './nearest.ts';
export {
  anyPatternCovers,
  compareSpecificity,
  isActionName,
  patternCovers,
  patternProblem,
} from './pattern.ts';
export { covers, inForce, isExcepted, parseScope, scopeCovers } from './restriction.ts';
export type { Restriction, RestrictionKind, RestrictionSubject, Scope, ScopeResult } from './restriction.ts';
export type { RuleMatch } from './rule-outcome.ts';
export type { CompiledRule } from './rule-compile.ts';
export { compareRules, matchRule } from './rule.ts';
export type { RuleBook, RuleFacts } from './rule.ts';
export type { Facts, Mode, Snapshot } from './snapshot.ts';
export { compareTiers, strictest, TIERS } from './tier.ts';
export type { Tier } from './tier.ts';
export { DEFAULT_TRUST, driftTrust, moveTrust, newTrust, trustLevel } from './trust.ts';
export type { TrustEvent, TrustLevel, TrustMove, TrustSettings, TrustState } from './trust.ts';

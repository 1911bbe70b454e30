// The only entry of the SDK: put an agent under Mandate. Ask before acting, report afterwards.
export type { ActStatus, ApprovalRef, DecisionView } from './act-view.ts';
export type { AskedAction, CallOptions, WaitOptions } from './ask.ts';
export { createMandate } from './client.ts';
export type { Mandate, MandateOptions } from './client.ts';
export { MandateDenied, MandateHeld, MandateProblem, MandateUnavailable } from './errors.ts';
export type { Problem, UnavailableReason } from './errors.ts';
export type { EventsOptions, MandateEvent } from './events.ts';
export type { Govern, Governed, GovernedTools, GovernOptions, Tool } from './govern.ts';
export type { Fetch, FetchBody, FetchInit, FetchResponse, Machine } from './machine.ts';
export type {
  AgentView,
  Agents,
  Approval,
  Approvals,
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
export type { Running, RunOptions, Runs } from './run.ts';

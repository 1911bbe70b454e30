// Goal graphs: what a workflow template means, and what comes next in one of its runs. The same pure functions judge a
// template before anything begins, drive every worker, and can be asked again by whoever audits a run.
export { nextTick, parseCron, ticksOf } from './plan/cron.ts';
export type { CronTicks } from './plan/cron.ts';
export type { ScheduleSetting } from './plan/schedule.ts';
export { compilePlan } from './plan/compile.ts';
export type { Plan, PlanStep } from './plan/compile.ts';
export { nextSteps } from './plan/next.ts';
export type { GivenUp, Next, RunEnd, Settled, StepCall } from './plan/outcome.ts';
export { readInstance, readsOf } from './plan/state.ts';
export type { Awaiting, Memo, RunFacts, RunMode, StepState } from './plan/state.ts';
export { MAX_STEPS } from './plan/template.ts';
export type {
  InputSetting,
  StepSetting,
  StepWork,
  TemplatePath,
  TemplateProblem,
  WorkflowTemplate,
} from './plan/template.ts';

// What `import … from 'mandate'` gives: the control plane inside one's own program.
export { CharterRefused } from './app.ts';
export { openMandate } from './embedded.ts';
export type { OpenMandate, OpenMandateOptions } from './embedded.ts';
export type {
  GuardrailCall,
  GuardrailFunction,
  GuardrailOptions,
  PluginFinding,
} from './decide/guardrails/plugins.ts';
export type { ExecutorFunction, FunctionCall } from './act/executors/functions.ts';
export type { ChannelAnswer, ChannelFunction, ChannelMessage } from './act/notifications/message.ts';
export { MandateDenied, MandateHeld, MandateProblem, MandateUnavailable } from '@mandate/sdk';

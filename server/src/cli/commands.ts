// Every command, in the order of the help. A new one is a file that exports its registration, and a line here.
import type { Register } from './command.ts';
import { registerAction } from './action.ts';
import { registerAgent } from './agent.ts';
import { registerApprove } from './approve.ts';
import { registerAudit } from './audit.ts';
import { registerConfig } from './config.ts';
import { registerDemo } from './demo.ts';
import { registerDeny } from './deny.ts';
import { registerDoctor } from './doctor.ts';
import { registerEnforce } from './enforce.ts';
import { registerEval } from './eval.ts';
import { registerFlag } from './flag.ts';
import { registerGovernance } from './governance.ts';
import { registerGrant } from './grant.ts';
import { registerHook } from './hook.ts';
import { registerInbox } from './inbox.ts';
import { registerIncident } from './incident.ts';
import { registerKey } from './key.ts';
import { registerMcp } from './mcp.ts';
import { registerNotify } from './notify.ts';
import { registerPolicy } from './policy.ts';
import { registerRequest } from './request.ts';
import { registerResume } from './resume.ts';
import { registerRollback } from './rollback.ts';
import { registerStart } from './start.ts';
import { registerStatus } from './status.ts';
import { registerStop } from './stop.ts';
import { registerTrust } from './trust.ts';
import { registerWorker } from './worker.ts';
import { registerWorkflow } from './workflow.ts';

export const COMMANDS: readonly Register[] = [
  registerStart,
  registerWorker,
  registerDemo,
  registerStatus,
  registerDoctor,
  registerConfig,
  registerStop,
  registerResume,
  registerInbox,
  registerApprove,
  registerDeny,
  registerNotify,
  registerRequest,
  registerRollback,
  registerWorkflow,
  registerMcp,
  registerHook,
  registerPolicy,
  registerEnforce,
  registerEval,
  registerAgent,
  registerTrust,
  registerGovernance,
  registerFlag,
  registerGrant,
  registerKey,
  registerAction,
  registerIncident,
  registerAudit,
];

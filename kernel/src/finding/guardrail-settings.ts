// What a charter says of guardrails, as plain data, and what counts where it says nothing.
import type { FindingSeverity } from '../finding.ts';

export interface GuardrailSettings {
  readonly cost: {
    readonly warningMicroUsd: number;
    readonly errorMicroUsd: number;
    readonly criticalMicroUsd: number;
  };
  readonly secretLeak: boolean;
  readonly protectedPaths: readonly string[];
  readonly protectedBranches: readonly string[];
  /** Deployment window: `Mon-Fri 09:00-17:00 Europe/Berlin`; null is any time. */
  readonly deploymentWindow: string | null;
  readonly diff: { readonly warningLines: number; readonly errorLines: number };
  /** Guardrails in CEL. */
  readonly own?: readonly OwnGuardrail[];
  /** Plug-ins that must have looked: where none of that name is registered, it has failed. */
  readonly required?: readonly string[];
  /** Plug-ins reached by HTTP, by name. */
  readonly plugins?: Readonly<Record<string, GuardrailPlugin>>;
  readonly taint?: TaintSettings;
}

/** `guardrails.own.NAME` of a charter. */
export interface OwnGuardrail {
  readonly name: string;
  /** Patterns of the actions that it looks at; empty is every action. */
  readonly actions: readonly string[];
  /** CEL over what conditions of rules see, `action` (the name) and `costUsd`. */
  readonly when: string;
  readonly severity: Exclude<FindingSeverity, 'info'>;
  readonly message: string;
  readonly origin: string;
}

/** A guardrail in another process: it is sent the action and answers with findings. */
export interface GuardrailPlugin {
  readonly url: string;
  /** Name of the secret that it is called with. */
  readonly secret: string | null;
  readonly allowPrivate: boolean;
  /** Patterns of the actions that it looks at; empty is every action. */
  readonly actions: readonly string[];
  readonly timeoutMs: number;
  /** Sends parameters as they are, secrets included; otherwise they are redacted. */
  readonly full: boolean;
}

export interface TaintSettings {
  /** Of the finding `tainted`; info leaves it to the rules. */
  readonly severity: FindingSeverity;
  /** How long what was read is remembered where no run bounds it. */
  readonly windowMs: number;
}

/** Unless the charter says otherwise: a warning, and an hour. */
export const DEFAULT_TAINT: TaintSettings = { severity: 'warning', windowMs: 3_600_000 };

/** The shipped thresholds (domain.md, Guardrails). A charter replaces them setting by setting. */
export const DEFAULT_GUARDRAILS: GuardrailSettings = {
  cost: { warningMicroUsd: 1_000_000, errorMicroUsd: 10_000_000, criticalMicroUsd: 50_000_000 },
  secretLeak: true,
  protectedPaths: ['.env*', 'secrets/**', '**/*.pem', '**/*.key', '**/credentials.*', '.aws/**', '.ssh/**'],
  protectedBranches: ['main', 'master', 'production', 'staging'],
  deploymentWindow: null,
  diff: { warningLines: 500, errorLines: 2_000 },
};

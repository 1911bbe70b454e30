// A charter as plain data: what the loader hands over after reading YAML, resolving `extends` and refusing
// whatever it does not know. The kernel compiles it into a law (law-compile.ts) and never sees the file.
import type { ActionSetting } from './action-setting.ts';
import type { User } from './action.ts';
import type { EscalationStep } from './approval-needs.ts';
import type { ApprovalSettings } from './approval.ts';
import type { GuardrailSettings } from './finding/guardrail-settings.ts';
import type { FlowRule } from './flow.ts';
import type { GovernedSet } from './governed-set.ts';
import type { MonitorSettings } from './monitor.ts';
import type { NotifySettings } from './notify.ts';
import type { ScheduleSetting } from './plan/schedule.ts';
import type { ReadinessSetting } from './readiness.ts';
import type { Tier } from './tier.ts';
import type { TrustSettings } from './trust.ts';

export interface Charter {
  /** `audit` relaxes only the floors of rules, findings and phases; black, stop, freeze, authority and limits bind. */
  readonly enforcement: 'enforce' | 'audit';
  /** `closed`: an agent the charter does not name is denied. */
  readonly registration: 'open' | 'closed';
  readonly environment: string | null;
  readonly rules: readonly Rule[];
  readonly actions: readonly ActionSetting[];
  readonly agents: Readonly<Record<string, AgentSetting>>;
  readonly executors: Readonly<Record<string, ExecutorSetting>>;
  readonly guardrails: GuardrailSettings;
  /** What must not follow what. Absent: there are no flow rules. */
  readonly flows?: readonly FlowRule[];
  readonly trust: TrustSettings;
  readonly limits: LimitSettings;
  readonly resources: Readonly<Record<string, readonly string[]>>;
  readonly users: Readonly<Record<string, UserSetting>>;
  /** Approver roles of one's own beside the shipped ones. Absent: names of approver roles are not checked. */
  readonly roles?: readonly string[];
  readonly notify: NotifySettings;
  readonly resume: { readonly twoPersons: boolean };
  /** Workflows that begin by themselves. Absent: there are none. */
  readonly schedules?: readonly ScheduleSetting[];
  /** What earns its autonomy in phases. Absent: nothing does. */
  readonly phases?: readonly GovernedSet[];
  /** What a set must show before its next phase. Absent: as `DEFAULT_READINESS_ITEMS`. */
  readonly readiness?: ReadinessSetting;
  /** What watches over them. Absent: the default breakers. */
  readonly monitors?: MonitorSettings;
  /** How people decide. Absent: as `DEFAULT_APPROVALS`. */
  readonly approvals?: ApprovalSettings;
}

/** One line of the charter: action pattern, selectors, condition, exceptions → tier. */
export interface Rule {
  readonly tier: Tier;
  /** An exact name, or a literal prefix with one trailing `*` that spans dots. */
  readonly match: string;
  readonly selectors: Selectors;
  /** CEL source; null always holds. */
  readonly when: string | null;
  readonly except: readonly RuleException[];
  /** Beats more specific rules. Black rules are final unless they say otherwise. */
  readonly final: boolean;
  /** false: trust never turns this yellow rule green. */
  readonly lift: boolean;
  /** Scopes the user's authority must hold. */
  readonly requires: readonly string[];
  readonly obligations: readonly string[];
  readonly approvers: readonly string[];
  readonly quorum: number;
  /** How long an approval asked for by this rule may wait; null takes the default (24 h). */
  readonly expiresMs: number | null;
  readonly fourEyes: boolean;
  /** Who is told next when nobody decides; absent: as the charter says for all. */
  readonly escalate?: readonly EscalationStep[];
  /** Enforcement of this rule's own set; null follows the charter. */
  readonly enforcement: 'enforce' | 'audit' | null;
  /** Where it is written: `charter.yaml:12:7 tiers.yellow.actions[3]`. */
  readonly origin: string;
}

/** Who and where a rule is for. An absent selector matches everybody. */
export interface Selectors {
  readonly agent?: readonly string[];
  readonly agentClass?: readonly string[];
  readonly user?: readonly string[];
  readonly role?: readonly string[];
  readonly tenant?: readonly string[];
  readonly environment?: readonly string[];
}

/** An exception belongs to its rule; when it applies the rule falls to `tier`. Paths and condition are alternatives. */
export interface RuleException {
  readonly tier: Tier;
  /** Globs over every parameter that the charter or convention calls a path. */
  readonly paths: readonly string[];
  readonly when: string | null;
  readonly origin: string;
}

export interface AgentSetting {
  readonly class: string | null;
  readonly usdPerDayMicroUsd: number | null;
}

/** How Mandate itself executes an action. */
export type ExecutorSetting = {
  /** Cases of evals may run its actions: it changes nothing outside, as a simulator. */
  readonly evals?: boolean;
} & (
  | {
      readonly kind: 'command';
      readonly command: readonly string[];
      readonly cwd: string;
      readonly timeoutMs: number;
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly method: string;
      readonly secret: string | null;
      readonly timeoutMs: number;
      readonly allowPrivate: boolean;
    }
  | {
      readonly kind: 'mcp';
      readonly mcp: readonly string[];
      readonly cwd: string;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: 'mcpHttp';
      readonly url: string;
      readonly secret: string | null;
      readonly timeoutMs: number;
    }
);

export interface UserSetting {
  /** What this person's authority reaches at most: it narrows the scopes of the key. null: those of the key count as they are. */
  readonly scopes: readonly string[] | null;
  /** Count for the selector `role` and for `user.roles`, beside the roles of the key; nobody approves by them. */
  readonly roles: readonly string[];
  /** What all agents under this person's authority may spend on a UTC day; absent or null takes the tenant's ceiling. */
  readonly usdPerDayMicroUsd?: number | null;
  /** Where this person is reached, by kind or name of a channel: `{ email: 'ada@example.org' }`. */
  readonly contacts?: Readonly<Record<string, string>>;
}

export interface LimitSettings {
  /** Distinct agents with live acts. */
  readonly concurrentAgents: number | null;
  readonly usdPerDayMicroUsd: number | null;
  /** Actions a minute, per agent and action name (the rate guardrail). */
  readonly actionsPerMinute: number | null;
}

/** The class that the charter gives an agent; null when it gives none. */
export function agentClassOf(charter: Charter, agent: string): string | null {
  return Object.hasOwn(charter.agents, agent) ? (charter.agents[agent]?.class ?? null) : null;
}

/** What the charter says of the person on whose authority the agent acts; null when it says nothing. */
export function userSettingOf(charter: Charter, user: User | null): UserSetting | null {
  return user !== null && Object.hasOwn(charter.users, user.id) ? (charter.users[user.id] ?? null) : null;
}

/** The roles of that person: those that identity has proven, and those that the charter gives. */
export function userRolesOf(
  charter: Charter,
  user: User | null,
  proven: readonly string[],
): readonly string[] {
  const given = userSettingOf(charter, user)?.roles ?? [];
  return given.length === 0 ? proven : [...new Set([...proven, ...given])];
}

// What we know when we judge: the charter in force and the law made of it, flags, trust, restrictions, approvals.
import { dirname } from 'node:path';
import { agentClassOf, DEFAULT_TRUST, driftTrust, trustLevel } from '@mandate/kernel';
import type { Law, TrustSettings } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { createExecutors } from '../act/executors/executors.ts';
import { createTenantExecutors } from '../act/executors/tenants.ts';
import { createAgents } from '../decide/agents/agents.ts';
import { createDrift } from '../decide/agents/drift.ts';
import { createSimulate } from '../decide/agents/simulate.ts';
import { createAgreement } from '../decide/approvals/agreement.ts';
import { createApprovals } from '../decide/approvals/approvals.ts';
import type { Subject, SubjectName } from '../decide/approvals/subject.ts';
import { createCharters } from '../decide/charter/charter.ts';
import type { Charters } from '../decide/charter/charter.ts';
import { readCharterFile, shippedCharters } from '../decide/charter/disk.ts';
import { renderError } from '../decide/charter/error.ts';
import { createFollower } from '../decide/charter/follow.ts';
import { createDeploymentFacts } from '../decide/guardrails/deployment.ts';
import { createBarrier } from '../decide/restrictions/barrier.ts';
import { createFlags, readFlags } from '../decide/restrictions/flags.ts';
import { liftAgreed } from '../decide/restrictions/resume.ts';
import { createStops } from '../decide/restrictions/stop.ts';
import { createSnapshots } from '../decide/snapshots/snapshots.ts';
import { readSecret } from '../platform/config/secrets.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import { createSeals } from '../platform/crypto/seal.ts';
import { buildGovernance } from './governance.ts';
import { buildLookback } from './lookback.ts';
import { buildTrials } from './policy.ts';

/** The charter has mistakes and there is no earlier version to go on with. */
export class CharterRefused extends Error {
  override readonly name = 'CharterRefused';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export type Judgement = Awaited<ReturnType<typeof buildJudgement>>;

export interface JudgementNeeds {
  readonly infrastructure: Infrastructure;
  /** The charter of a program that embeds Mandate and names no file. */
  readonly charterText: string | null;
  /** Told of every process group of an executor. */
  readonly onGroup: (groupId: number, state: 'started' | 'ended') => void;
}

export async function buildJudgement({ infrastructure, charterText, onGroup }: JudgementNeeds) {
  const { config, clock, chance, log, store } = infrastructure;
  const { tenant, charter: path } = config;
  const governing = buildGovernance({ infrastructure, charters: () => charters, approvals: () => approvals });
  const charters = createCharters({
    store,
    clock,
    log,
    readFile: readCharterFile,
    readShipped: shippedCharters,
    adopt: governing.governance.adopt,
  });
  const follower =
    path === null
      ? null
      : createFollower({ charters, clock, log, tenant, path, author: 'mandate:charter-file' });
  const activated = await (follower === null ? activate(charters, tenant, charterText) : follower.reload());
  if (activated.kind === 'refused') {
    const problems = activated.problems.map(renderError);
    const standing = await charters.active(tenant);
    // What cannot be read stays in force too: nothing is decided by it, and people may replace it.
    const version = standing?.version ?? (await charters.activeVersion(tenant));
    if (version === null) throw new CharterRefused(problems);
    // A restart must not be what takes a good charter out of force: the last good version stays, loudly.
    log.error(
      { problems, version },
      standing === null
        ? 'the charter has mistakes and the one in force cannot be read by this version of Mandate: nothing is decided. Correct it, or run the version of Mandate that activated it'
        : 'the charter file has mistakes; the last good version stays in force',
    );
  }

  // A charter names its executors, so they change with it, before the first decision by it.
  const baseDir = path === null ? config.dataDir : dirname(path);
  const executors = createTenantExecutors(() =>
    createExecutors({
      settings: {},
      baseDir,
      secrets: (name) => readSecret(config.dataDir, name),
      environment: process.env,
      log,
      onGroup,
      after: (waitMs, run) => clock.after(waitMs, run),
    }),
  );
  const lawOf = async (of: string, version: string): Promise<Law | null> => {
    const law = await charters.lawOf(of, version);
    if (law !== null) executors.configure(of, version, law.charter.executors);
    return law;
  };
  const activeLaw = async (of: string): Promise<Law | null> => (await charters.active(of))?.law ?? null;
  const trustSettings = async (of: string): Promise<TrustSettings> =>
    (await activeLaw(of))?.charter.trust ?? DEFAULT_TRUST;

  // What approvals of other things than actions lead to is registered where the parts meet (subjects.ts).
  const subjects = new Map<string, Subject>();
  const approvals = createApprovals({
    store,
    clock,
    chance,
    writeEntry,
    subjectOf: (name) => subjects.get(name) ?? null,
    charterOf: async (of) => (await activeLaw(of))?.charter ?? null,
    hasCharter: async (of) => (await charters.activeVersion(of)) !== null,
  });
  subjects.set('proposal', governing.subject);
  const seals = createSeals({ store, masterKeys: infrastructure.masterKeys, chance, clock });
  const lookback = buildLookback(infrastructure, seals);
  const flags = createFlags({ store, clock, writeEntry });
  const law = await activeLaw(tenant);
  await flags.seed(tenant, {
    resources: law?.charter.resources ?? {},
    concurrentAgents: law?.charter.limits.concurrentAgents ?? null,
  });
  return {
    charters,
    follower,
    executors,
    activeLaw,
    trustSettings,
    flags,
    governing,
    seals,
    lookback,
    drift: createDrift({ store, clock, settingsOf: trustSettings, writeEntry }),
    simulateTrust: createSimulate({ store, clock, settingsOf: trustSettings }),
    trials: buildTrials(infrastructure, charters),
    snapshots: createSnapshots({
      db: store.app,
      clock,
      lawOf,
      readFlags,
      deploymentOf: createDeploymentFacts(store),
      pastOf: lookback.history.lookBack,
      findingsOf: ({ tenant: of, action, law: by }) => lookback.plugins.findingsOf(of, action, by),
    }),
    stops: createStops({
      agree: createAgreement({
        clock,
        chance,
        writeEntry,
        lift: (tx, agreed) => liftAgreed(tx, agreed, writeEntry),
      }),
      control: store.control,
      clock,
      chance,
      writeEntry,
      classesOf: async (of) => {
        const charter = (await activeLaw(of))?.charter;
        return charter === undefined ? null : (agent) => agentClassOf(charter, agent);
      },
    }),
    agents: createAgents({
      store,
      clock,
      chance,
      writeEntry,
      takeBarrier: createBarrier(store.control),
      async standingOf(of, state) {
        const settings = await trustSettings(of);
        const { score } = driftTrust(state, clock.nowMs(), settings).state;
        return { score, level: trustLevel(score, settings) };
      },
    }),
    approvals,
    registerSubject: (name: SubjectName, subject: Subject) => void subjects.set(name, subject),
  };
}

/** Without a charter of one's own the shipped rules decide, from the first start on. */
async function activate(charters: Charters, tenant: string, text: string | null) {
  if (text !== null)
    return charters.activate({
      tenant,
      text,
      author: 'mandate:embedding-program',
      note: 'given by the program that embeds Mandate',
    });
  // Only where there is none: one that cannot be read is in force nevertheless (I5).
  const standing = await charters.renew({ tenant, author: 'mandate:start' });
  if (standing !== null) return standing;
  return charters.activate({
    tenant,
    text: 'version: 1\nextends: default\n',
    author: 'mandate:first-start',
    note: 'no charter was given',
  });
}

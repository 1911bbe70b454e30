// The doors: every module's routes on one server, and the feeds beside them.
import { canonicalJson } from '@mandate/kernel';
import { findAct, listActs } from '../act/actions/queries.ts';
import { actionRoutes } from '../act/actions/routes.ts';
import { notificationRoutes } from '../act/notifications/routes.ts';
import { workflowRoutes } from '../act/workflows/routes.ts';
import { sendProblem } from '../api/http/problem.ts';
import { mountOpenPaths } from '../api/http/open-paths.ts';
import { createHttp } from '../api/http/server.ts';
import type { HttpDoor, HttpNeeds } from '../api/http/server.ts';
import { mountFeeds } from '../api/live/feeds.ts';
import { agentRoutes } from '../decide/agents/routes.ts';
import { trustRoutes } from '../decide/agents/trust-routes.ts';
import { approvalRoutes } from '../decide/approvals/routes.ts';
import { createHistory } from '../decide/charter/history.ts';
import { historyRoutes } from '../decide/charter/history-routes.ts';
import { charterRoutes } from '../decide/charter/routes.ts';
import { readTrustSettings } from '../decide/charter/trust-schema.ts';
import { grantRoutes } from '../decide/grants/routes.ts';
import { policyRoutes } from '../decide/policy/routes.ts';
import { toolRoutes } from '../decide/tools/routes.ts';
import { restrictionRoutes } from '../decide/restrictions/routes.ts';
import { createStandingRestrictions } from '../decide/restrictions/standing.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import type { Route } from '../platform/http/route.ts';
import { askerOf } from '../platform/identity/asker.ts';
import { REFUSAL_STATUS } from '../platform/identity/authenticate.ts';
import type { Principal } from '../platform/identity/principal.ts';
import { isPermitted } from '../platform/identity/roles.ts';
import { keyRoutes } from '../platform/identity/routes.ts';
import { cloudEventOf, writeEntry } from '../prove/journal/journal.ts';
import { journalRoutes } from '../prove/journal/routes.ts';
import { createStats, statsRoutes } from '../prove/metrics/stats.ts';
import { mountApprovals } from './approval-pages.ts';
import { mountChats } from './chat-webhooks.ts';
import type { DoorsNeeds } from './doors-needs.ts';
import { mountMcpGateway } from './mcp.ts';
import { buildPolicy } from './policy.ts';
import { eventsOfRun } from './run-events.ts';
import { gateEnforcement } from './enforcement-gate.ts';
import { registerSubjects } from './subjects.ts';
import { mountStandards } from './standards.ts';
import { buildTools } from './tools.ts';
import { mountReadings } from './reading-pages.ts';

const SEALED = 'Everything is sealed by a stop: only a key that may resume still opens anything.';

export interface Doors extends HttpDoor {
  readonly traced: HttpNeeds['traced'];
}

export async function openDoors(needs: DoorsNeeds): Promise<Doors> {
  const { infrastructure, authority, journal, feed, metrics, checks, closing, version } = needs;
  const { clock, log, telemetry } = infrastructure;
  const traced: HttpNeeds['traced'] = (name, headers, run) => {
    const { traceparent } = headers;
    return metrics.timed(name, () =>
      telemetry.within(typeof traceparent === 'string' ? traceparent : undefined, () =>
        telemetry.span(name, {}, () => run(telemetry.traceId() ?? '')),
      ),
    );
  };
  const failed: HttpNeeds['failed'] = (error, traceId, path) =>
    log.error({ err: error, traceId, path }, 'a request met a mistake of ours');
  // Level seal: keys open nothing and sessions end, but for those who may lift it.
  const isLockedOut = (principal: Principal): boolean =>
    needs.isSealed(principal.tenant) && !isPermitted(principal, 'resume');
  const pinned = buildTools(infrastructure, needs.judgement);
  const door = createHttp({
    routes: [...routesOf(needs), ...needs.governanceRoutes, ...toolRoutes(pinned)],
    version,
    authenticate: async (request) => {
      const answer = await authority.identity.authenticate(request);
      if (answer.kind === 'refused') return { ...answer, status: REFUSAL_STATUS[answer.code] };
      return isLockedOut(answer.principal)
        ? { kind: 'refused', code: 'sealed', status: 403, retryAfterS: null, detail: SEALED }
        : answer;
    },
    isPermitted,
    stands: async (principal) => !isLockedOut(principal) && authority.stands(askerOf(principal, null)),
    digestOf: (value) => sha256Hex(canonicalJson(value)),
    traced,
    failed,
  });
  const { fastify, prove, stillMay } = door;
  mountOpenPaths({
    fastify,
    prove,
    traced,
    version,
    tenant: infrastructure.config.tenant,
    checks,
    noteScrape: needs.noteScrape,
    metrics: async () =>
      (await Promise.all([metrics, needs.notify.metrics, needs.scrape].map((part) => part.text()))).join(
        '\n',
      ),
  });
  await mountFeeds({
    fastify,
    prove,
    stillMay,
    refuse: (reply, refusal, traceId) => sendProblem(reply, refusal, { traceId }),
    traced,
    head: (tenant) => journal.head(tenant),
    ofRun: (tenant, run) => eventsOfRun(needs.workflows, tenant, run),
    after: (delayMs, run) => clock.after(delayMs, run),
    failed,
    closing,
    async *follow(tenant, from, signal) {
      for await (const entries of metrics.followed(feed.follow(tenant, from, signal)))
        yield entries.map((entry) => cloudEventOf(tenant, entry));
    },
  });
  mountMcpGateway({ ...needs, tools: pinned.tools }, door, traced);
  mountStandards(needs, door, { traced, failed });
  mountApprovals(needs, door, { traced, failed });
  mountChats(needs, door, { traced, failed });
  mountReadings({ ...needs.readings, infrastructure, isSealed: needs.isSealed }, door, { traced, failed });
  return { ...door, traced };
}

function routesOf({
  infrastructure,
  authority,
  judgement,
  execution,
  notify,
  workflows,
  sentinel,
  journal,
  metrics,
}: DoorsNeeds): readonly Route[] {
  const { clock, store } = infrastructure;
  const { identity, grants, keys } = authority;
  const { charters, stops, agents, approvals, activeLaw, trials } = judgement;
  const flags = gateEnforcement(judgement);
  const { pipeline, proceed, waiting, show, outcomes, resolve, unseal } = execution;
  const gates = registerSubjects(infrastructure, judgement);
  return [
    ...actionRoutes({
      request: (asker, wanted) => metrics.measured(() => pipeline.request(asker, wanted)),
      proceed,
      preview: pipeline.preview,
      delegate: identity.delegate,
      find: (tenant, id) => findAct(store, tenant, id),
      list: (tenant, query) => listActs(store, tenant, query),
      show: (act) => show(act, {}),
      waitFor: waiting.waitFor,
      outcomes,
      resolve,
    }),
    ...approvalRoutes({ approvals, clock, edit: execution.edits.edit }),
    ...agentRoutes(agents, gates.askUnfreeze),
    ...trustRoutes({
      agents,
      simulate: judgement.simulateTrust,
      nowMs: () => clock.nowMs(),
      readSettings: async (of, written) => readTrustSettings(written, await judgement.trustSettings(of)),
    }),
    ...grantRoutes(grants),
    ...restrictionRoutes({
      stops,
      flags,
      standing: createStandingRestrictions(store, clock),
      // A charter that cannot be read may ask for two (I5).
      twoPersons: async (tenant) =>
        (await activeLaw(tenant))?.charter.resume.twoPersons ??
        (await charters.activeVersion(tenant)) !== null,
      sentinel,
      isOnlyTenant: async () =>
        (await store.control`select 1 from mandate.tenant where tenant <> '*' limit 2`).length < 2,
      flagAudit: (tenant) =>
        journal.read(tenant, {
          after: 0,
          limit: 200,
          kind: 'flag',
          agent: null,
          actId: null,
          fromMs: null,
          toMs: null,
          newestFirst: true,
        }),
    }),
    ...charterRoutes(charters, gates.askChange),
    ...historyRoutes({
      clock,
      charters,
      history: createHistory({ store, charters }),
      askChange: gates.askChange,
    }),
    ...policyRoutes(buildPolicy({ infrastructure, trials, flags, unseal })),
    ...keyRoutes({ keys, store, clock, writeEntry }),
    ...workflowRoutes(workflows, journal),
    ...journalRoutes(journal),
    ...notificationRoutes(notify),
    ...statsRoutes(createStats({ store, clock })),
  ];
}

// The HTTP resources of restrictions: stop, resume, flags, and everything that stands.
import { parseScope } from '@mandate/kernel';
import { z } from 'zod';
import { isPlainText, reasonField } from '../../platform/http/fields.ts';
import { holdsSecret, NO_SECRET } from '../../platform/http/names.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Call, Reply, Route } from '../../platform/http/route.ts';
import { readFlags } from './flags.ts';
import type { Flags } from './flags.ts';
import type { ResumeReport } from './resume.ts';
import type { StandingRestrictions } from './standing.ts';
import type { Stops } from './stop.ts';

export interface RestrictionRoutesNeeds {
  readonly stops: Stops;
  readonly flags: Flags;
  readonly standing: StandingRestrictions;
  readonly twoPersons: (tenant: string) => Promise<boolean>;
  /** Whether and since when the sentinel file bars this data directory, and lifting it. */
  readonly sentinel: {
    readonly isStopped: () => boolean;
    readonly sinceMs: () => number | null;
    readonly lift: () => Promise<void>;
  };
  readonly isOnlyTenant: () => Promise<boolean>;
  readonly flagAudit: (tenant: string) => Promise<unknown>;
}

const scopeText = z
  .string()
  .min(1)
  .max(300)
  .refine(isPlainText, 'must be without control characters')
  .refine(
    (text) => parseScope(text).kind !== 'problem',
    'tenant, global, agent:ID, class:NAME, action:PATTERN, user:ID or resource:TYPE/ID',
  );
/** What stands already may be lifted, whatever it is called. */
const newScope = scopeText.refine((text) => !holdsSecret(text), NO_SECRET);
const stopBody = z
  .strictObject({
    scope: newScope.default('tenant'),
    level: z.enum(['pause', 'stop', 'seal']).default('stop'),
    reason: reasonField,
  })
  .refine(({ level, scope }) => level !== 'seal' || scope === 'tenant', {
    path: ['scope'],
    message: 'level seal locks the keys of the whole tenant and takes no narrower scope',
  });
const resumeBody = z.strictObject({ scope: scopeText.default('tenant'), reason: reasonField });
const flagBody = z.strictObject({
  value: z.union([z.string().max(200), z.number(), z.boolean()]),
  scope: z
    .union([z.literal(''), newScope], {
      error: 'must be empty, or a scope such as agent:ID that holds no token or password',
    })
    .default(''),
  reason: reasonField,
});

export function restrictionRoutes({
  stops,
  flags,
  standing,
  twoPersons,
  sentinel,
  isOnlyTenant,
  flagAudit,
}: RestrictionRoutesNeeds): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/stop',
      summary: 'Whether anything is stopped',
      permission: 'restrictions.read',
      answer: '{ stopped, sentinel, stops }',
      async handle({ principal }) {
        const standingStops = await stops.standing(principal.tenant);
        return json({
          stopped: sentinel.isStopped() || standingStops.length > 0,
          sentinel: sentinel.isStopped(),
          stops: standingStops,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/stop',
      summary: 'Stop everything in a scope. When confirmedAt is there, nothing in it begins any more',
      permission: 'stop',
      answer: '{ requestedAt, confirmedAt, quietAt, epoch, inFlight }',
      body: stopBody,
      async handle({ principal, body, traceId }) {
        const refused = refuseGlobal(body.scope, principal.tenant);
        if (refused !== null) return refused;
        return json(
          await stops.stop({
            tenant: principal.tenant,
            scope: body.scope,
            level: body.level,
            reason: body.reason,
            by: principal.id,
            traceId,
          }),
        );
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/resume',
      summary: 'Lift the stops of a scope; two persons where the charter says so',
      permission: 'resume',
      answer: '{ resumed, lifted } or who has to agree',
      body: resumeBody,
      async handle({ principal, body, traceId }) {
        const order = {
          reason: body.reason,
          by: principal.id,
          roles: principal.roles,
          twoPersons: await twoPersons(principal.tenant),
          traceId,
        };
        // Everybody's stop is theirs to lift only where there is nobody else.
        const everything =
          body.scope === 'tenant' && principal.roles.includes('admin') && (await isOnlyTenant());
        const fileSinceMs = everything ? sentinel.sinceMs() : null;
        const own = await stops.resume({
          ...order,
          tenant: principal.tenant,
          scope: body.scope,
          fileSinceMs: null,
        });
        const global: ResumeReport = everything
          ? await stops.resume({ ...order, tenant: '*', scope: 'global', fileSinceMs })
          : { kind: 'nothing_to_resume' };
        const refused = refusedOrWaiting(own) ?? refusedOrWaiting(global);
        if (refused !== null) return refused;
        const wasSentinel = fileSinceMs !== null && global.kind === 'resumed';
        if (wasSentinel) await sentinel.lift();
        const lifted = liftedBy(own) + liftedBy(global);
        const others =
          body.scope === 'tenant' &&
          (sentinel.isStopped() ||
            (await stops.standing(principal.tenant)).some((stop) => stop.tenant === '*'));
        if (others)
          return problem({
            code: 'conflict',
            detail:
              "Every tenant of this installation is stopped; run mandate resume --scope global on the server's machine.",
          });
        if (lifted === 0 && !wasSentinel)
          return problem({
            code: 'conflict',
            detail: `Nothing is stopped in the scope ${body.scope}; GET /api/v1/stop lists what is.`,
          });
        return json({ resumed: true, lifted: lifted + (wasSentinel ? 1 : 0) });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/restrictions',
      summary: 'Everything that stands: stops, freezes, pauses, phases, throttles',
      permission: 'restrictions.read',
      answer: '{ mode, items }',
      async handle({ principal }) {
        const derived = readFlags(await flags.list(principal.tenant));
        const fromFlags = derived.restrictions.map(({ sinceMs: _since, untilMs: _until, ...each }) => ({
          ...each,
          since: null,
          until: null,
        }));
        return json({ mode: derived.mode, items: [...(await standing(principal.tenant)), ...fromFlags] });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/flags',
      summary: 'All flags',
      permission: 'flags.read',
      answer: '{ items }',
      async handle({ principal }) {
        // The flag is the tenant's: a stop of one agent is in GET /api/v1/stop.
        const whole = (scope: string): boolean => scope === 'tenant' || scope === 'global';
        const stopped =
          sentinel.isStopped() || (await stops.standing(principal.tenant)).some(({ scope }) => whole(scope));
        const items = await flags.list(principal.tenant);
        return json({
          items: items.map((flag) =>
            flag.key === 'autonomy.emergencyStop' ? { ...flag, value: stopped } : flag,
          ),
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/flags/audit',
      summary: 'Every change of a flag',
      permission: 'flags.read',
      answer: '{ items }',
      handle: async ({ principal }) => json({ items: await flagAudit(principal.tenant) }),
    }),
    route({
      method: 'PUT',
      path: '/api/v1/flags/:key',
      summary: 'Change a flag. Operators may tighten, only an admin may widen',
      permission: 'flags.write',
      answer: 'The flag',
      body: flagBody,
      async handle({ principal, params, body, traceId, may }: Call<z.infer<typeof flagBody>, null>) {
        const answer = await flags.set({
          tenant: principal.tenant,
          key: params['key'] ?? '',
          scope: body.scope,
          value: body.value,
          reason: body.reason,
          by: principal.id,
          mayWiden: may('flags.widen'),
          traceId,
        });
        return answer.kind === 'refused'
          ? problem({ code: answer.code, detail: answer.detail })
          : json(answer.flag);
      },
    }),
  ];
}

function refusedOrWaiting(report: ResumeReport): Reply | null {
  if (report.kind === 'no_person') return problem({ code: 'forbidden', detail: report.detail });
  if (report.kind !== 'second_person_needed') return null;
  const { requestedBy, approval } = report;
  return json(
    { resumed: false, waitingFor: 'a second person', requestedBy, approval: { id: approval } },
    202,
  );
}

function liftedBy(report: ResumeReport): number {
  return report.kind === 'resumed' ? report.lifted : 0;
}

/** A tenant's people stop their tenant; everybody's stop is for whoever has the machine (mandate stop there). */
function refuseGlobal(scope: string, tenant: string) {
  if (scope !== 'global') return null;
  return problem({
    code: 'forbidden',
    detail: `Over HTTP a key of the tenant ${tenant} stops that tenant; run mandate stop --scope global on the server's machine to stop every tenant.`,
  });
}

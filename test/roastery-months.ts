// A roastery that lives through months in a test: a server whose clock jumps, the machine, the people with their keys, and
// weeks in which nothing happens but what happens every week.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Closing } from './closing.ts';
import { readDisplay } from '../examples/roastery/display.ts';
import { fly } from '../examples/roastery/flight.ts';
import type { Flight } from '../examples/roastery/flight.ts';
import { FILTER_ROAST } from '../examples/roastery/pilot.ts';
import { createMandate } from '../sdk/src/index.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import type { Role } from '../server/src/platform/identity/roles.ts';
import { openDoor } from './door.ts';
import type { Door } from './door.ts';
import { openTestDatabase } from './postgres.ts';
import type { TestDatabase } from './postgres.ts';
import { callerOf } from './road.ts';
import type { Caller } from './road.ts';
import { openRoaster } from './roastery.ts';
import type { TestRoaster } from './roastery.ts';

export const DAY_MS = 86_400_000;
export const WEEK_MS = 7 * DAY_MS;
/** It begins so long ago that it falls this week: a second process, with the clock of this machine, sees it happen. */
const WEEKS_BEFORE_THE_FALL = 29;
/** How much of the clock passes between two looks of the agent: a batch is over before five minutes are. */
const LOOK_MS = 1_000;

const PEOPLE = {
  ada: ['operator', 'ops-lead'],
  tess: ['operator', 'tech-lead'],
  theo: ['tech-lead'],
  pia: ['product-lead'],
  eve: ['exec-sponsor'],
} as const satisfies Readonly<Record<string, readonly Role[]>>;
export type Person = keyof typeof PEOPLE;

/** So that each week's cycle is asked for before its own time, Friday at 17:00, and the schedule finds it done. */
function noonOfNextWednesday(ms: number): number {
  const noon = Math.floor(ms / DAY_MS) * DAY_MS + DAY_MS / 2;
  return noon + ((3 - new Date(noon).getUTCDay() + 7) % 7) * DAY_MS;
}

export interface Roastery {
  readonly door: Door;
  readonly server: Caller;
  readonly clock: ManualClock;
  readonly roaster: TestRoaster;
  readonly keys: Readonly<Record<Person | 'agent' | 'prometheus', string>>;
  readonly database: TestDatabase;
  readonly masterKey: string;
  batch(isOver?: () => boolean): Promise<Flight>;
}

export async function openRoastery(t: Closing): Promise<Roastery> {
  const roaster = await openRoaster(t);
  const database = await openTestDatabase();
  const masterKey = randomBytes(32).toString('base64');
  const clock = manualClock(noonOfNextWednesday(Date.now()) - WEEKS_BEFORE_THE_FALL * WEEK_MS);
  const door = await openDoor(t, {
    clock,
    charter: roaster.charter,
    env: {
      DATABASE_URL: database.adminUrl,
      MANDATE_APP_URL: database.logins.appUrl,
      MANDATE_SEQUENCER_URL: database.logins.sequencerUrl,
      MANDATE_CONTROL_URL: database.logins.controlUrl,
      MANDATE_MASTER_KEY: masterKey,
      METRICS_PREFIX: 'simcorp',
    },
  });
  t.after(database.drop);
  // Timers run at the pace of the machine, whatever the date is.
  const ticking = setInterval(() => clock.advance(20), 20);
  t.after(async () => clearInterval(ticking));
  const keyOf = async (wanted: Parameters<Door['makeKey']>[0]): Promise<string> =>
    (await door.makeKey(wanted)).text;
  const keys = {
    agent: await keyOf({ roles: ['agent'], agents: ['roaster-1'] }),
    prometheus: await keyOf({ roles: ['scrape'] }),
    ada: await keyOf({ roles: PEOPLE.ada, agents: 'any', user: { id: 'ada' } }),
    tess: await keyOf({ roles: PEOPLE.tess, user: { id: 'tess' } }),
    theo: await keyOf({ roles: PEOPLE.theo, user: { id: 'theo' } }),
    pia: await keyOf({ roles: PEOPLE.pia, user: { id: 'pia' } }),
    eve: await keyOf({ roles: PEOPLE.eve, user: { id: 'eve' } }),
  };
  const agent = createMandate({ url: door.url, apiKey: keys.agent, agent: 'roaster-1' });
  const ada = createMandate({ url: door.url, apiKey: keys.ada });
  const approving: Promise<unknown>[] = [];
  return {
    door,
    server: callerOf(door),
    clock,
    roaster,
    keys,
    database,
    masterKey,
    batch: (isOver = () => false) =>
      fly({
        mandate: agent,
        profile: FILTER_ROAST,
        look: () => readDisplay(roaster.device.url),
        async pause() {
          await Promise.all(approving.splice(0));
          roaster.wait(10_000);
          // Wall time only: leases and timers live on the other one, and a busy machine must not lose its lease by it.
          clock.jumpTo(clock.nowMs() + LOOK_MS);
        },
        told: () => undefined,
        isOver,
        waits: ({ id, approval }) =>
          void approving.push(
            ada.approvals
              .approve(approval, 'I stand at the machine')
              .then(() => agent.wait(id, { timeoutMs: 10_000 })),
          ),
      }),
  };
}

/** A week in which the batch that began at `fromMs` is roasted twice more, and then the week is over. */
export async function liveAWeek({ database, clock }: Roastery, fromMs: number): Promise<void> {
  const offset = Math.round((clock.nowMs() - fromMs) / DAY_MS);
  await database.admin.begin(async (tx) => {
    await tx`set local row_security = off`;
    const copied = tx`
      select a, later, md5(a.id::text || later)::uuid as id, md5(a.approval_id::text || later)::uuid as approval_id
      from mandate.act a, unnest(array[1, 4]) d, make_interval(days => ${offset} + d) later
      where a.tenant = 'default' and a.status = 'success'
        and a.created_at >= ${new Date(fromMs)} and a.created_at < ${new Date(fromMs + DAY_MS / 2)}`;
    await tx`
      insert into mandate.approval select (jsonb_populate_record(p, jsonb_build_object('id', c.approval_id, 'act_id', c.id,
        'created_at', p.created_at + later, 'expires_at', p.expires_at + later, 'decided_at', p.decided_at + later,
        'used_at', p.used_at + later))).*
      from (${copied}) c join mandate.approval p on p.tenant = (a).tenant and p.id = (a).approval_id`;
    await tx`
      insert into mandate.journal (tenant, kind, agent, act_id, actor, at, trace_id, data)
      select j.tenant, j.kind, j.agent, c.id, j.actor, j.at + later, j.trace_id, j.data
      from (${copied}) c join mandate.journal j on j.tenant = (a).tenant and j.act_id = (a).id order by j.id`;
    await tx`
      insert into mandate.act select (jsonb_populate_record(a, jsonb_build_object('id', c.id, 'approval_id', c.approval_id,
        'created_at', (a).created_at + later, 'started_at', (a).started_at + later, 'ended_at', (a).ended_at + later))).*
      from (${copied}) c`;
  });
  clock.jumpTo(clock.nowMs() + WEEK_MS);
}

export async function get<Body>({ server, keys }: Roastery, path: string): Promise<Body> {
  const { status, body } = await server.call<Body>(path, undefined, { key: keys.ada });
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
  return body;
}

export async function post<Body>(
  { server, keys }: Roastery,
  path: string,
  body: unknown,
  { as = 'ada', expect }: { readonly as?: Person; readonly expect: number },
): Promise<Body> {
  const answer = await server.call<Body>(path, body, { key: keys[as] });
  assert.equal(answer.status, expect, `${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

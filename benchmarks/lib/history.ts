// A long past in a minute: acts as the road leaves them, with their approvals, spread over months and made by Postgres
// itself. Their decisions and what is sealed are as long as real ones, so that reading them takes as long.
import type { Sql } from '../../server/src/platform/postgres/sql.ts';

export interface History {
  readonly tenant: string;
  readonly acts: number;
  readonly startMs: number;
  readonly endMs: number;
}

const CHUNK = 50_000;

/** A third is held, most of it approved; one in a hundred fails, one in two hundred is rolled back. */
export async function insertHistory(sql: Sql, { tenant, acts, startMs, endMs }: History): Promise<void> {
  const stepMs = (endMs - startMs - 60_000) / acts;
  for (let from = 0; from < acts; from += CHUNK) {
    const to = Math.min(acts, from + CHUNK) - 1;
    await sql`
      with made as materialized (
        select n, md5('act' || n)::uuid as id, to_timestamp((${startMs}::double precision + n * ${stepMs}::double precision) / 1000) as at,
          'roaster.' || (array['SET_POWER', 'SET_FAN', 'SET_DRUM', 'SET_AIRFLOW', 'PREHEAT', 'COOLING_CYCLE', 'EMERGENCY_SHUTDOWN', 'ABORT'])[1 + (n * 7 % 8)] as action,
          n % 3 = 0 as held, n % 30 = 0 as denied,
          case when n % 100 = 7 then 'failed' when n % 251 = 1 then 'cancelled' when n % 1009 = 1 then 'unknown' else 'success' end as ending
        from generate_series(${from}::integer, ${to}::integer) n
      ), approvals as (
        insert into mandate.approval (tenant, id, digest, subject, act_id, display, requester, causes, required_roles, quorum, four_eyes, status, created_at, expires_at, decided_at)
        select ${tenant}, md5('approval' || n)::uuid, md5(n::text), 'action', id, '{"parameters": {"percent": 70}}', 'agent:roaster-1',
          case when n % 90 = 3 then array['exception:roaster.*'] else array['restriction:' || md5('phase')] end, '{tech-lead}', 1, false,
          case when denied then 'denied' else 'used' end, at, at + interval '1 day', at + interval '90 seconds'
        from made where held
      )
      insert into mandate.act (tenant, id, agent, action, status, tier, severity, principal, digest, display, decision, sealed, approval_id, compensates, created_at, started_at, ended_at)
      select ${tenant}, id, 'roaster-' || n % 16, action, case when denied then 'denied' else ending end, case when held then 'red' else 'yellow' end, 'medium', 'agent:roaster-1', md5(n::text),
        '{"parameters": {"percent": 70}, "chain": []}',
        jsonb_build_object('effect', case when held then 'hold' else 'execute' end, 'code', case when held then 'approval_required' else 'allowed' end, 'causes', '[]'::jsonb,
          'trace', jsonb_build_array(jsonb_build_object('part', 'rule', 'text', repeat(md5(n::text) || ' ', 24)))),
        decode(repeat(md5(n::text), 40), 'hex'), case when held then md5('approval' || n)::uuid end,
        case when n % 200 = 3 and n > 1000 then md5('act' || n - 1000)::uuid end,
        at, case when not denied then at + case when held then interval '90 seconds' else interval '0' end end,
        at + case when held then interval '95 seconds' else interval '3 seconds' end
      from made`;
  }
  await sql.unsafe('analyze mandate.act');
  await sql.unsafe('analyze mandate.approval');
}

// What MCP servers say of their tools, tied to the approvals that accept a change.
import { settingOf } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { digestOfSubject } from '../decide/approvals/subject.ts';
import { createReported } from '../decide/tools/reported.ts';
import type { Report } from '../decide/tools/reported.ts';
import { createTools } from '../decide/tools/tools.ts';
import type { Tools } from '../decide/tools/tools.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import { gateForget } from './forget-gate.ts';
import type { Judgement } from './judgement.ts';

/** Where the charter says nothing of tools: one approver of any role, within three days. */
const EXPIRES_MS = 3 * 86_400_000;

export interface PinnedTools {
  readonly tools: Tools;
  /** For servers that Mandate does not run itself. */
  readonly report: Report;
}

export function buildTools({ store, clock, chance }: Infrastructure, judgement: Judgement): PinnedTools {
  const { approvals, registerSubject, charters, executors } = judgement;
  const tools = createTools({
    store,
    clock,
    chance,
    sha256: sha256Hex,
    writeEntry,
    withdraw: (tx, withdrawal) => approvals.withdraw(tx, withdrawal),
    async ask(tx, { tenant, upstream, name, before, after, content, requester, traceId }) {
      const needs = (await approvals.needsOf(tenant, 'tool')) ?? {
        requiredRoles: [],
        quorum: 1,
        fourEyes: true,
        expiresMs: EXPIRES_MS,
      };
      const { id } = await approvals.open(tx, {
        ...needs,
        tenant,
        subject: 'tool',
        digest: digestOfSubject(tenant, 'tool', content),
        title: `Accept what ${upstream} says of its tool ${name} now`,
        display: { upstream, tool: name, before, after },
        content,
        requester,
        requesterUser: null,
        agent: null,
        causes: ['tool:changed'],
        expiresMs: clock.nowMs() + needs.expiresMs,
        traceId,
      });
      return id;
    },
  });
  registerSubject('tool', tools.subject);
  const report = createReported({
    tools,
    async exempt(tenant) {
      const active = await charters.active(tenant);
      if (active === null) return null;
      const { law, version } = active;
      executors.configure(tenant, version, law.charter.executors);
      return (action) => {
        const setting = settingOf(law, action);
        const executor = setting?.executor ?? executors.of(tenant).find(action);
        return executor !== null || setting?.safeState === true;
      };
    },
  });
  return { tools: gateForget({ tools, approvals }), report };
}

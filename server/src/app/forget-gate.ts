// Forgetting what was pinned of an MCP server takes its next list as it is. Where a charter says who accepts a changed
// tool, one holder of charter.write must not get by forgetting what it would take them all to accept.
import type { Tools } from '../decide/tools/tools.ts';
import type { Judgement } from './judgement.ts';

interface GateNeeds {
  readonly tools: Tools;
  readonly approvals: Pick<Judgement['approvals'], 'needsOf'>;
}

/** The tools as people may forget them: freely, until the charter asks for approvals of changed ones. */
export function gateForget({ tools, approvals }: GateNeeds): Tools {
  return {
    ...tools,
    async forget(order) {
      const { tenant, upstream } = order;
      if ((await approvals.needsOf(tenant, 'tool')) === null) return tools.forget(order);
      if ((await tools.list(tenant, upstream)).length === 0) return { kind: 'forgotten', count: 0 };
      const detail = `Forgetting what was pinned of ${upstream} takes its next list unasked, and the charter says who accepts a changed tool (approvals.tool). Decide the approvals that wait (GET /api/v1/approvals). What was denied is asked about again when the server says something else; else propose a charter without approvals.tool.`;
      return { kind: 'refused', refusal: { code: 'forbidden', detail } };
    },
  };
}

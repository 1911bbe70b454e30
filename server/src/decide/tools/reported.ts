// What a server says of its tools, told by whoever stands before it on another machine (`mandate mcp wrap`). It is
// pinned as what the gateway sees itself, with one difference: it is somebody's word. A word may hold the calls of a
// tool, so it is not taken about actions that Mandate runs itself, nor about those that bring to a safe state.
import type { HeldTool } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Seen, Tools } from './tools.ts';

export type Reporting =
  | { readonly kind: 'taken'; readonly held: readonly HeldTool[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type Report = (list: Seen) => Promise<Reporting>;

export interface ReportedNeeds {
  readonly tools: Pick<Tools, 'seen' | 'list'>;
  /** Which actions this word is not taken about, by the charter in force; null where none is. */
  readonly exempt: (tenant: string) => Promise<((action: string) => boolean) | null>;
}

export function createReported({ tools, exempt }: ReportedNeeds): Report {
  return async (list) => {
    const { tenant, upstream } = list;
    const isExempt = await exempt(tenant);
    if (isExempt === null) {
      const detail = 'No charter is in force that says who runs what, so nothing was pinned.';
      return { kind: 'refused', refusal: { code: 'unavailable', detail } };
    }
    const told = list.tools.filter((tool) => !isExempt(`${upstream}.${nameOf(tool)}`));
    await tools.seen({ ...list, tools: told });
    const pinned = await tools.list(tenant, upstream);
    const held = pinned.flatMap(({ name, changed }) =>
      changed === null ? [] : [{ name, approval: changed.approval }],
    );
    return { kind: 'taken', held };
  };
}

function nameOf(tool: unknown): string {
  return typeof tool === 'object' && tool !== null && 'name' in tool ? String(tool.name) : '';
}

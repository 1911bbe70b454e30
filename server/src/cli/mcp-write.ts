// The proposal as YAML, alone or within a charter that people have written: their comments and order stay, what they have
// already said about a tool stays, and nothing that they said more strictly becomes wider.
import { Document, isCollection, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { TIERS } from '@mandate/kernel';
import type { Tier } from '@mandate/kernel';
import type { Proposal } from './mcp-propose.ts';

export interface Addition {
  readonly name: string;
  /** What stands under `mcp:`. */
  readonly server: readonly string[] | string;
  readonly proposals: readonly Proposal[];
}

export type Written =
  | { readonly kind: 'written'; readonly text: string; readonly kept: readonly string[] }
  | { readonly kind: 'refused'; readonly why: string };

const NEW_CHARTER = 'version: 1\nextends: default\n';

/** The lines to be added, as they would stand in a charter of their own. */
export function snippetOf(addition: Addition): string {
  const document = new Document({});
  fill(document, addition);
  return document.toString({ lineWidth: 0 });
}

/** The charter with the proposal in it. `text` is null for a charter that is still to be made. */
export function addToCharter(text: string | null, addition: Addition): Written {
  const document = parseDocument(text ?? NEW_CHARTER);
  const [mistake] = document.errors;
  if (mistake !== undefined) return { kind: 'refused', why: `The charter is no YAML: ${mistake.message}` };
  if (!isMap(document.contents)) return { kind: 'refused', why: 'The charter is no map of sections.' };
  if (document.hasIn(['executors', addition.name]))
    return {
      kind: 'refused',
      why: `The charter has an executor ${addition.name} already. Remove it there, or give another name.`,
    };
  for (const path of [['executors'], ['actions'], ['tiers'], ...TIERS.map((tier) => ['tiers', tier])]) {
    const section = document.getIn(path, true);
    if (section !== undefined && !isMap(section) && !(isScalar(section) && section.value === null))
      return { kind: 'refused', why: `${path.join('.')} is no map. Correct it first.` };
  }
  const wider = addition.proposals.find(
    ({ action, tier }) => action !== null && rank(tierIn(document, action) ?? tier) < rank(tier),
  );
  if (wider !== undefined)
    return {
      kind: 'refused',
      why: `The charter already has ${wider.action} as ${tierIn(document, wider.action ?? '')}, which is wider than the proposed ${wider.tier}. Move it, or remove it there first.`,
    };
  const kept = fill(document, addition);
  return { kind: 'written', text: document.toString({ lineWidth: 0 }), kept };
}

/** Answers with the actions about which the charter had something to say already. */
function fill(document: Document, { name, server, proposals }: Addition): readonly string[] {
  const kept: string[] = [];
  put(document, ['executors', name], { mcp: server });
  for (const { action, severity, paths, diff } of proposals) {
    if (action === null) continue;
    if (document.hasIn(['actions', action])) kept.push(action);
    else
      put(document, ['actions', action], {
        severity,
        ...(paths.length === 0 ? {} : { paths }),
        ...(diff === null ? {} : { diff }),
      });
  }
  for (const { action, tier } of proposals) {
    if (action === null || tierIn(document, action) !== null) continue;
    const list = document.getIn(['tiers', tier, 'actions'], true);
    if (isSeq(list)) list.add(document.createNode(action));
    else set(document, ['tiers', tier, 'actions'], document.createNode([action]));
  }
  return kept;
}

/** One line of flow style, as people write executors and actions. */
function put(document: Document, path: readonly string[], value: unknown): void {
  const node = document.createNode(value);
  if (isCollection(node)) node.flow = true;
  set(document, path, node);
}

/** A section that stands there without content is null in YAML, and becomes a map. */
function set(document: Document, path: readonly string[], node: unknown): void {
  for (let length = 1; length < path.length; length += 1) {
    const above = path.slice(0, length);
    const found = document.getIn(above, true);
    if (isMap(found)) continue;
    const map = document.createNode({});
    if (isScalar(found)) map.commentBefore = found.comment ?? null;
    document.setIn(above, map);
  }
  document.setIn(path, node);
}

/** The tier under which the charter itself names exactly this action. */
function tierIn(document: Document, action: string): Tier | null {
  return (
    TIERS.find((tier) => {
      const list = document.getIn(['tiers', tier, 'actions'], true);
      return (
        isSeq(list) &&
        list.items.some(
          (item) => (isScalar(item) ? item.value : isMap(item) ? item.get('match') : null) === action,
        )
      );
    }) ?? null
  );
}

function rank(tier: Tier): number {
  return TIERS.indexOf(tier);
}

// The shape of the goal graph: in which order steps can be done at all, which of them wait for each other in a circle,
// and which can never be reached. Linear in steps and needs, without recursion: a chain may be as long as the template.

export interface Graph {
  /** Steps in an order in which every step comes after all it needs; those in or behind a circle are left out. */
  readonly order: readonly string[];
  /** One circle, beginning and ending with the same step; empty where there is none. */
  readonly cycle: readonly string[];
  /** Steps that wait for the circle without being in it. */
  readonly behind: readonly string[];
}

/** `needs` names, by step, the known steps that it waits for. */
export function orderSteps(needs: ReadonlyMap<string, readonly string[]>): Graph {
  const waiting = new Map<string, number>();
  const followers = new Map<string, string[]>();
  for (const [id, before] of needs) {
    waiting.set(id, before.length);
    for (const need of before) followers.set(need, [...(followers.get(need) ?? []), id]);
  }
  const order = [...needs.keys()].filter((id) => waiting.get(id) === 0);
  for (let at = 0; at < order.length; at += 1) {
    for (const follower of followers.get(order[at] ?? '') ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      if (left === 0) order.push(follower);
    }
  }
  const placed = new Set(order);
  const stuck = [...needs.keys()].filter((id) => !placed.has(id));
  const cycle = stuck.length === 0 ? [] : findCycle(stuck, needs, placed);
  const within = new Set(cycle);
  return { order, cycle, behind: stuck.filter((id) => !within.has(id)) };
}

/** Every step that is stuck needs another one that is stuck, so that following them must come round. */
function findCycle(
  stuck: readonly string[],
  needs: ReadonlyMap<string, readonly string[]>,
  placed: ReadonlySet<string>,
): readonly string[] {
  const seenAt = new Map<string, number>();
  const path: string[] = [];
  let id = stuck[0];
  while (id !== undefined && !seenAt.has(id)) {
    seenAt.set(id, path.length);
    path.push(id);
    id = needs.get(id)?.find((need) => !placed.has(need));
  }
  if (id === undefined) return [];
  // Followed from what waits to what it waits for; read the other way round it says what would come first.
  const circle = path.slice(seenAt.get(id) ?? 0).toReversed();
  return [...circle, circle[0] ?? id];
}

/** Everything that each step waits for, directly or not. Sets of shared prefixes stay small: needs are checked to be at most MAX_NEEDS. */
export function ancestorsOf(
  graph: Graph,
  needs: ReadonlyMap<string, readonly string[]>,
): (id: string, before: string) => boolean {
  const indexes = new Map(graph.order.map((id, index) => [id, index]));
  const words = Math.ceil(graph.order.length / 32);
  const bits = new Map<string, Uint32Array>();
  for (const id of graph.order) {
    const own = new Uint32Array(words);
    for (const need of needs.get(id) ?? []) {
      const theirs = bits.get(need);
      const index = indexes.get(need);
      if (theirs === undefined || index === undefined) continue;
      for (let word = 0; word < words; word += 1) own[word] = (own[word] ?? 0) | (theirs[word] ?? 0);
      own[index >> 5] = (own[index >> 5] ?? 0) | (1 << (index & 31));
    }
    bits.set(id, own);
  }
  return (id, before) => {
    const index = indexes.get(before);
    const own = bits.get(id);
    return index !== undefined && own !== undefined && ((own[index >> 5] ?? 0) & (1 << (index & 31))) !== 0;
  };
}

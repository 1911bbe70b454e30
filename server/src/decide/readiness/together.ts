// A check looks at everything that a tenant has on record, and an agent that reports one incident after the other asks for
// one each time. So there is one at a time, and whoever asks meanwhile shares the next, which begins after they asked.

/** Resolves when a run that began no earlier than this call has ended. Rejects where that run did. */
export type Run = (tenant: string) => Promise<void>;

interface Turn {
  readonly current: Promise<void>;
  next: Promise<void> | null;
}

export function together(run: Run): Run {
  const turns = new Map<string, Turn>();

  function begin(tenant: string): Promise<void> {
    const current = run(tenant).finally(() => {
      if (turns.get(tenant)?.next === null) turns.delete(tenant);
    });
    turns.set(tenant, { current, next: null });
    return current;
  }

  return (tenant) => {
    const turn = turns.get(tenant);
    if (turn === undefined) return begin(tenant);
    const after = (): Promise<void> => begin(tenant);
    turn.next ??= turn.current.then(after, after);
    return turn.next;
  };
}

// Where a reader goes on. A position that cannot be read is refused: starting somewhere else would skip events, and
// the reader would never know.

export type Position =
  | { readonly kind: 'position'; readonly from: number | null }
  | { readonly kind: 'refused'; readonly detail: string };

/** `Last-Event-ID`, or `?from=` where headers cannot be set. Null: from now on. */
export function readPosition(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  asked: unknown,
): Position {
  const query = new Map<string, unknown>(Object.entries(asked ?? {}));
  const unknown = [...query.keys()].find((name) => name !== 'from');
  if (unknown !== undefined) return { kind: 'refused', detail: 'A feed takes no query but ?from=POSITION.' };
  // A browser that reconnects sends both: the header is the newer one.
  const header = headers['last-event-id'];
  const given = header === undefined || header === '' ? query.get('from') : header;
  if (given === undefined) return { kind: 'position', from: null };
  if (typeof given === 'string' && /^\d{1,15}$/.test(given)) return { kind: 'position', from: Number(given) };
  return {
    kind: 'refused',
    detail:
      'Last-Event-ID (or ?from=) must be the id of an event of this feed: up to 15 digits. Leave it out to begin now, or send 0 to begin with the first.',
  };
}

// Who is connected to which upstream. A client of a revision up to 2025-11-25 has a session, with a server process of its
// own behind it; requests of 2026-07-28 carry everything with them and share one connection per principal and agent.
import type { Transport } from '@modelcontextprotocol/client';
import type { JsonObject } from '@mandate/kernel';
import type { Answer } from './answer.ts';
import { openLink } from './link.ts';
import type { Link } from './link.ts';

/** What a connection belongs to. Nobody else can use it, whatever session id they send. */
export interface Owner {
  readonly tenant: string;
  readonly principal: string;
  readonly agent: string;
  readonly upstream: string;
  /** Tells one setting of the upstream from the next: after a change of the charter nobody talks to the old server. */
  readonly setting: string;
}

export interface Session {
  readonly id: string;
  readonly link: Link;
  /** The stream on which the server speaks unasked takes the place of an older one. */
  listen(stream: Answer): void;
  /** Lends an answer's stream to the server for its questions while no other is open. */
  lend(answer: Answer): () => void;
}

export interface Sessions {
  open(owner: Owner): Promise<Session>;
  find(id: string, owner: Owner): Session | null;
  /** The connection that 2026 requests of this owner share. */
  shared(owner: Owner): Promise<Link>;
  end(id: string, owner: Owner): Promise<boolean>;
  close(): Promise<void>;
}

export interface SessionsNeeds {
  readonly connect: (tenant: string, upstream: string) => Promise<Transport>;
  readonly uuid: () => string;
  readonly monotonicMs: () => number;
  readonly after: (waitMs: number, run: () => void) => () => void;
}

interface Entry extends Session {
  readonly ownerKey: string;
  usedMs: number;
  isHeard(): boolean;
}

/** Sessions of one owner; an idle one, unused for longest, makes room. Each may hold a process. */
const MOST_SESSIONS = 16;
const IDLE_MS = 30 * 60_000;
const SWEEP_MS = 60_000;
/** What the server says while nobody listens, at most. */
const MOST_UNHEARD = 100;

export function createSessions({ connect, uuid, monotonicMs, after }: SessionsNeeds): Sessions {
  const sessions = new Map<string, Entry>();
  const links = new Map<string, { readonly opening: Promise<Link>; usedMs: number }>();
  let cancelSweep = after(SWEEP_MS, sweep);

  function sweep(): void {
    const oldestMs = monotonicMs() - IDLE_MS;
    for (const entry of sessions.values())
      if (entry.usedMs < oldestMs && !entry.isHeard() && !entry.link.isBusy()) void drop(entry);
    for (const [key, entry] of links) if (entry.usedMs < oldestMs) void retire(key, entry);
    cancelSweep = after(SWEEP_MS, sweep);
  }

  async function drop(entry: Entry): Promise<void> {
    sessions.delete(entry.id);
    await entry.link.close().catch(() => {});
  }

  async function retire(key: string, entry: { readonly opening: Promise<Link> }): Promise<void> {
    const link = await entry.opening.catch(() => null);
    if (link?.isBusy() === true) return;
    if (links.get(key) === entry) links.delete(key);
    await link?.close().catch(() => {});
  }

  async function makeRoom(ownerKey: string): Promise<void> {
    const own = [...sessions.values()]
      .filter((entry) => entry.ownerKey === ownerKey)
      .toSorted((a, b) => Number(a.link.isBusy()) - Number(b.link.isBusy()) || a.usedMs - b.usedMs);
    for (const entry of own.slice(0, Math.max(0, own.length - MOST_SESSIONS + 1))) await drop(entry);
  }

  return {
    async open(owner) {
      const ownerKey = keyOf(owner);
      await makeRoom(ownerKey);
      const id = uuid();
      const streams = createStreams();
      const link = await openLink({
        transport: await connect(owner.tenant, owner.upstream),
        isModern: false,
        onServerMessage: (message) => streams.say(message),
        onClosed() {
          sessions.delete(id);
          streams.end();
        },
      });
      const entry: Entry = {
        id,
        link,
        ownerKey,
        usedMs: monotonicMs(),
        listen: (stream) => streams.listen(stream),
        lend: (answer) => streams.lend(answer),
        isHeard: () => streams.isHeard(),
      };
      sessions.set(id, entry);
      return entry;
    },
    find(id, owner) {
      const entry = sessions.get(id);
      if (entry === undefined || entry.ownerKey !== keyOf(owner) || !entry.link.isOpen()) return null;
      entry.usedMs = monotonicMs();
      return entry;
    },
    async shared(owner) {
      const key = keyOf(owner);
      const known = links.get(key);
      if (known !== undefined) {
        known.usedMs = monotonicMs();
        return known.opening;
      }
      const opening = openShared(owner, () => links.delete(key));
      links.set(key, { opening, usedMs: monotonicMs() });
      opening.catch(() => links.delete(key));
      return opening;
    },
    async end(id, owner) {
      const entry = sessions.get(id);
      if (entry === undefined || entry.ownerKey !== keyOf(owner)) return false;
      await drop(entry);
      return true;
    },
    async close() {
      cancelSweep();
      const shared = await Promise.allSettled([...links.values()].map(({ opening }) => opening));
      links.clear();
      await Promise.allSettled([
        ...[...sessions.values()].map(drop),
        ...shared.map((link) => (link.status === 'fulfilled' ? link.value.close() : null)),
      ]);
    },
  };

  async function openShared({ tenant, upstream }: Owner, onClosed: () => void): Promise<Link> {
    return openLink({
      transport: await connect(tenant, upstream),
      isModern: true,
      onServerMessage: () => {},
      onClosed,
    });
  }
}

/** Where the server's own words go: the session's stream, else the stream of a running call, else they wait a little. */
function createStreams() {
  const lent = new Set<Answer>();
  let stream: Answer | null = null;
  let unheard: JsonObject[] = [];

  function ear(): Answer | null {
    if (stream?.isOpen() === true) return stream;
    return [...lent].find((answer) => answer.isOpen()) ?? null;
  }

  return {
    say(message: JsonObject): void {
      const open = ear();
      if (open === null) unheard = [...unheard, message].slice(-MOST_UNHEARD);
      else open.event(message);
    },
    listen(next: Answer): void {
      stream?.endEmpty();
      stream = next;
      for (const message of unheard) next.event(message);
      unheard = [];
    },
    lend(answer: Answer): () => void {
      lent.add(answer);
      return () => void lent.delete(answer);
    },
    isHeard: () => stream?.isOpen() === true,
    end(): void {
      stream?.endEmpty();
      unheard = [];
    },
  };
}

function keyOf({ tenant, principal, agent, upstream, setting }: Owner): string {
  return JSON.stringify([tenant, principal, agent, upstream, setting]);
}

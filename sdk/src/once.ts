// What has been begun here is not begun here again, whatever a server hands out.

/** What a client remembers: far more than can be under way within the seconds of a permit. */
const REMEMBERED_MAX = 10_000;

/** True the first time that a name is given. */
export function createOnce(): (name: string) => boolean {
  const seen = new Set<string>();
  return (name) => {
    if (seen.has(name)) return false;
    seen.add(name);
    const [oldest] = seen;
    if (seen.size > REMEMBERED_MAX && oldest !== undefined) seen.delete(oldest);
    return true;
  };
}

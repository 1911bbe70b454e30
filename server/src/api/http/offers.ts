// What is offered where, whichever module mounted it: so that a path with the wrong method is told from a path that
// does not exist, and the answer names the methods that would work (RFC 9110 demands it of a 405).

export interface Offers {
  add(method: string | readonly string[], pattern: string): void;
  /** The methods at a path as it was requested; empty where there is nothing. */
  methodsAt(path: string): readonly string[];
}

export function createOffers(): Offers {
  const methodsByPattern = new Map<string, Set<string>>();
  return {
    add(method, pattern) {
      const methods = methodsByPattern.get(pattern) ?? new Set();
      for (const each of typeof method === 'string' ? [method] : method) methods.add(each);
      methodsByPattern.set(pattern, methods);
    },
    methodsAt: (path) =>
      [
        ...new Set(
          [...methodsByPattern]
            .filter(([pattern]) => matches(pattern, path))
            .flatMap(([, methods]) => [...methods]),
        ),
      ].toSorted(),
  };
}

function matches(pattern: string, path: string): boolean {
  const want = pattern.split('/');
  const have = (path.split('?')[0] ?? '').replace(/(?<=.)\/$/, '').split('/');
  if (want.at(-1) === '*' && have.length >= want.length)
    return want.slice(0, -1).every((part, i) => fits(part, have[i] ?? ''));
  return want.length === have.length && want.every((part, i) => fits(part, have[i] ?? ''));
}

function fits(part: string, given: string): boolean {
  return part.startsWith(':') ? given !== '' : part === given;
}

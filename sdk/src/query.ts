// The query of a listing: what was left out is not asked for.

export function queryOf(asked: Readonly<Record<string, string | number | undefined>>): string {
  const said = Object.entries(asked).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(String(value))}`],
  );
  return said.length === 0 ? '' : `?${said.join('&')}`;
}

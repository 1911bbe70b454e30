// Times are epoch milliseconds inside and ISO 8601 in UTC wherever people or programs read them.

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}

// Data as people read it: a line for each value, under the names that lead to it. One line of JSON is read by nobody, and
// whoever decides should not have to.
const DEPTH_MAX = 3;

/** `step, adds: roaster.SET_FAN; roaster.SET_POWER`; empty values are left out. Not yet made harmless for where it is shown. */
export function linesOf(value: unknown, name = '', depth = 0): readonly string[] {
  if (typeof value !== 'object' || value === null) {
    if (value === null || value === undefined) return [];
    const said = typeof value === 'string' ? value : JSON.stringify(value);
    return said === '' ? [] : [name === '' ? said : `${name}: ${said}`];
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return [];
    const isFlat = value.every((each) => typeof each !== 'object' || each === null);
    if (isFlat) return [`${name}: ${value.map(String).join('; ')}`];
  }
  if (depth >= DEPTH_MAX) return [`${name}: ${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([key, each]) =>
    linesOf(each, name === '' ? spelled(key) : `${name}, ${spelled(key)}`, depth + 1),
  );
}

/** `requiredApprovals` reads as `required approvals`. */
function spelled(key: string): string {
  return key.replaceAll(
    /([a-z])([A-Z])/g,
    (_all, low: string, high: string) => `${low} ${high.toLowerCase()}`,
  );
}

// One finding of `mandate doctor`.
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail' | 'skip';
  readonly detail: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
}

export const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail, remedy: null });
export const skip = (name: string, detail: string): Check => ({ name, state: 'skip', detail, remedy: null });
export const warn = (name: string, detail: string, remedy: string): Check => ({
  name,
  state: 'warn',
  detail,
  remedy,
});
export const fail = (name: string, detail: string, remedy: string): Check => ({
  name,
  state: 'fail',
  detail,
  remedy,
});

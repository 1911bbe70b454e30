// What TypeScript is told of the shim, which is plain JavaScript so that any Node can read it.

/** Whether the running Node can run Mandate itself. */
export function isNode24(): boolean;

/** What Node is told for a process that stays. */
export const SERVER_FLAGS: readonly string[];

/** Whether a command stays; `args` is what follows `mandate` on the command line. */
export function stays(args: readonly string[]): boolean;

/** Becomes Node with other flags; where the system cannot do that nothing happens. */
export function become(args: readonly string[]): void;

/** Runs Node 24 in this process's place: same terminal, same signals, same exit code. */
export function handOver(args: readonly string[]): void;

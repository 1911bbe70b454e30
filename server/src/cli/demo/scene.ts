// A scene is told while it plays, and each of its moves is held against what was promised: the demo shows what
// happened, and where that is something else it says so and fails.
import type { Cli } from '../command.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { harmless } from '../output.ts';
import { tintOf } from '../show.ts';

export type Fact = string | number | boolean | null;
export type Facts = Readonly<Record<string, Fact>>;

export interface Outcome {
  /** What must be so; each of these is looked up in `seen`. */
  readonly promised: Facts;
  readonly seen: Facts;
  /** One line for people. */
  readonly happened: string;
  /** The reasons as Mandate gives them. */
  readonly reasons?: readonly string[];
  readonly actionId?: string;
}

export interface Move {
  readonly tried: string;
  readonly happened: string;
  readonly tier: string | null;
  readonly actionId: string | null;
  readonly reasons: readonly string[];
  readonly promised: Facts;
  readonly seen: Facts;
}

export interface Scene {
  readonly name: string;
  readonly promise: string;
  readonly moves: readonly Move[];
  /** Epoch milliseconds; the server of the demo has the same clock. */
  readonly fromMs: number;
  readonly toMs: number;
}

export type Play = (tried: string, run: () => Promise<Outcome>) => Promise<Move>;

export interface Storyteller {
  /** Plays one scene; `moves` calls `play` for each move. */
  scene(name: string, promise: string, moves: (play: Play) => Promise<void>): Promise<Scene>;
}

export interface StorytellerNeeds {
  readonly cli: Cli;
  /** Nothing is told to people. */
  readonly isSilent: boolean;
  /** Between moves; resolves at once unless somebody wants to read along. */
  readonly pause: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

const TIER_WIDTH = 7;

export function createStoryteller({ cli, isSilent, pause, signal }: StorytellerNeeds): Storyteller {
  const { out, clock } = cli;
  const tell = (line: string): void => {
    if (!isSilent) out.data(line);
  };
  let told = 0;

  return {
    async scene(name, promise, moves) {
      const played: Move[] = [];
      const fromMs = clock.nowMs();
      told += 1;
      tell(`\n${out.tint(`${told}  ${promise}`, 'bold')}`);
      await moves(async (tried, run) => {
        await pause();
        signal.throwIfAborted();
        tell(`   ${harmless(tried)}`);
        const outcome = await run();
        const move = moveOf(tried, outcome);
        requireKept(cli, name, move);
        const word = move.tier ?? '';
        tell(`   ${out.tint(word.padEnd(TIER_WIDTH), tintOf(word))} ${harmless(move.happened)}`);
        for (const reason of move.reasons) tell(`           ${out.tint(harmless(reason), 'dim')}`);
        played.push(move);
        return move;
      });
      return { name, promise, moves: played, fromMs, toMs: clock.nowMs() };
    },
  };
}

function moveOf(tried: string, { promised, seen, happened, reasons = [], actionId }: Outcome): Move {
  const tier = seen['tier'];
  return {
    tried,
    happened,
    tier: typeof tier === 'string' ? tier : null,
    actionId: actionId ?? null,
    reasons,
    promised,
    seen,
  };
}

function requireKept(cli: Cli, name: string, move: Move): void {
  const broken = Object.keys(move.promised).filter((key) => move.seen[key] !== move.promised[key]);
  if (broken.length === 0) return;
  const list = (facts: Facts): string =>
    broken.map((key) => `${key} ${harmless(JSON.stringify(facts[key] ?? null))}`).join(', ');
  throw new CommandFailed(`The demo did not go as promised. Tried: ${harmless(move.tried)}`, {
    exitCode: EXIT.failure,
    code: 'promise_broken',
    steps: [
      `Expected: ${list(move.promised)}`,
      `Happened: ${list(move.seen)}`,
      `To see what the server logs: LOG_LEVEL=debug ${cli.self} demo`,
    ],
    document: { ok: false, scene: name, move },
  });
}

// Who stands around the agent in these examples: the person who approves, and whoever stops everything.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { createMandate } from '@mandate/sdk';
import type { Mandate } from '@mandate/sdk';

/** The agent's own client; MANDATE_URL and MANDATE_API_KEY say where and who. */
export const mandate: Mandate = createMandate({ agent: 'clerk-1' });

const person = createMandate({ apiKey: process.env['PERSON_KEY'] });

/** The person agrees to the one thing of the agent that waits, elsewhere and with a key of their own. */
export async function approveWhatWaits(): Promise<void> {
  for (let looks = 0; looks < 100; looks += 1) {
    const [waiting] = (await person.approvals.list('pending')).filter(({ agent }) => agent === 'clerk-1');
    if (waiting !== undefined) {
      await person.approvals.approve(waiting, 'the parcel was broken');
      return;
    }
    await pause(100);
  }
  throw new Error('Nothing of the agent waits for a person.');
}

/** What goes on beside the agent comes true a moment later; what never does is thrown. */
export async function comesTrue(check: () => void): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    try {
      check();
      return;
    } catch (error) {
      if (looks === 100) throw error;
      await pause(50);
    }
  }
}

export async function stopAll(): Promise<void> {
  await person.stop({ reason: 'somebody saw something odd' });
}

export async function resumeAll(): Promise<void> {
  await person.resume({ reason: 'it was nothing' });
}

/** Runs `fn` while everything is stopped. */
export async function whileStopped(fn: () => Promise<void>): Promise<void> {
  await stopAll();
  try {
    await fn();
  } finally {
    await resumeAll();
  }
}

/** What the journal knows of what the agent did and how it ended, oldest first. */
export async function outcomes(): Promise<readonly string[]> {
  const response = await fetch(
    `${process.env['MANDATE_URL'] ?? 'http://127.0.0.1:4007'}/api/v1/actions?agent=clerk-1`,
    {
      headers: { authorization: `Bearer ${process.env['PERSON_KEY']}` },
    },
  );
  const { items } = (await response.json()) as { items: { action: string; status: string }[] };
  return items.map(({ action, status }) => `${action} ${status}`).toReversed();
}

/** Asks whoever runs the example to take the server away in the middle of the session. */
export async function untilServerIsGone(): Promise<void> {
  process.stdout.write('Now end the server, then press Enter.\n');
  process.stdin.resume();
  await once(process.stdin, 'data');
  process.stdin.pause();
}

// The roastery for tests: the machine of examples/roastery on a clock of its own, and the charter that ships, with the
// machine's address in it.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Closing } from './closing.ts';
import { openDevice } from '../examples/roastery/device.ts';
import type { Device } from '../examples/roastery/device.ts';
import { createMachine } from '../examples/roastery/machine.ts';

export interface TestRoaster {
  readonly device: Device;
  /** `charters/roastery.yaml`, speaking to this machine. */
  readonly charter: string;
  /** The machine's time; nothing else moves it. */
  wait(ms: number): void;
}

/** A warm machine. With `token` it obeys whoever shows it, and the charter names it as the secret `roaster-token`. */
export async function openRoaster(
  t: Closing,
  { token = null }: { readonly token?: string | null } = {},
): Promise<TestRoaster> {
  let nowMs = 0;
  const device = await openDevice({
    machine: createMachine({ warmC: 190 }),
    nowMs: () => nowMs,
    port: 0,
    token,
  });
  t.after(device.close);
  const path = fileURLToPath(new URL('../charters/roastery.yaml', import.meta.url));
  const shipped = (await readFile(path, 'utf8')).replaceAll('http://127.0.0.1:4017', device.url);
  return {
    device,
    charter: token === null ? shipped : shipped.replace("/commands',", "/commands', secret: roaster-token,"),
    wait: (ms) => void (nowMs += ms),
  };
}

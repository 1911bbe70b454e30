// Reads the machine's display. What comes from another process is looked at before it is believed: an agent that flies
// by a number that is none would fly into the ground.
import type { Display } from './view.ts';

export async function readDisplay(url: string): Promise<Display> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  const display = (await response.json()) as Partial<Display>;
  const areNumbers = [display.probeTempC, display.airTempC].every((value) => Number.isFinite(value));
  if (!response.ok || display.mode === undefined || display.controls === undefined || !areNumbers)
    throw new Error(`${url} does not show what a roaster shows (HTTP ${response.status}).`);
  return display as Display;
}

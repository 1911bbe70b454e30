// Switches the simulated roaster on:  node --conditions=mandate-source examples/roastery/roaster.ts --speed 6
//
//   --speed N           N seconds of the roast in every second (1)
//   --port N            where it listens on this machine (4017)
//   --warm C            as warm as the last batch has left it (185); 22 is a cold machine
//   --loose-contact N   every Nth setting fails, because the bean probe jumps (never)
//
// With ROASTER_TOKEN in its environment it takes commands only from whoever shows it; give the same text to Mandate as
// the secret `roaster-token`.
import { parseArgs } from 'node:util';
import { openDevice } from './device.ts';
import { createMachine } from './machine.ts';

const { values } = parseArgs({
  options: {
    speed: { type: 'string', default: '1' },
    port: { type: 'string', default: '4017' },
    warm: { type: 'string', default: '185' },
    'loose-contact': { type: 'string' },
  },
});

function numberOf(name: string, given: string, min: number, max: number): number {
  const value = Number(given);
  if (given.trim() !== '' && value >= min && value <= max) return value;
  throw new Error(`--${name} has to be a number from ${min} to ${max}, not ${given}.`);
}

const speed = numberOf('speed', values.speed, 0.1, 1_000);
const loose = values['loose-contact'];
const every = loose === undefined ? null : numberOf('loose-contact', loose, 1, 1_000);
const machine = {
  ...createMachine({ warmC: numberOf('warm', values.warm, 0, 230) }),
  looseContact: every === null ? null : { every, countdown: every },
};
const device = await openDevice({
  machine,
  nowMs: () => performance.now() * speed,
  port: numberOf('port', values.port, 0, 65_535),
  token: process.env['ROASTER_TOKEN'] ?? null,
  told: (line) => process.stdout.write(`${line}\n`),
});
process.stdout.write(`The roaster is on: ${device.url}\n`);

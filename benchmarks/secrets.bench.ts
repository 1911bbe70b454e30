// Searching program text for secrets, against secretlint with its recommended rules: the same files, and beside the speed
// what each finds of a set of generated tokens, of exactly the kinds that those rules look for.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findSecrets } from '@mandate/kernel';
import { raceAsync } from './lib/measure-async.ts';
import { duration, publish, times, verdict } from './lib/results.ts';
import { samplesOf } from './lib/secret-samples.ts';
import type { Sample } from './lib/secret-samples.ts';

const LEAST_RATIO = 2;
const LEAST_RECALL = 0.95;
const EACH = 20;
const ROUNDS = 25;

interface Scanner {
  readonly name: string;
  /** Kinds of what is found in a file. */
  readonly scan: (path: string, text: string) => Promise<number>;
}

interface Lint {
  readonly lintSource: (input: unknown) => Promise<{ readonly messages: readonly unknown[] }>;
}

const peer = createRequire(new URL('./package.json', import.meta.url));

async function secretlint(): Promise<Scanner> {
  const load = async (name: string): Promise<unknown> => import(pathToFileURL(peer.resolve(name)).href);
  const { lintSource } = (await load('@secretlint/core')) as Lint;
  const { creator } = (await load('@secretlint/secretlint-rule-preset-recommend')) as { creator: unknown };
  const options = {
    config: { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] },
    noPhysicFilePath: true,
  };
  return {
    name: 'secretlint 13.0 (recommended rules)',
    scan: async (filePath, content) => {
      const source = { filePath, content, ext: '.ts', contentType: 'text' };
      return (await lintSource({ source, options })).messages.length;
    },
  };
}

const mandate: Scanner = {
  name: 'Mandate (findSecrets)',
  scan: async (_path, text) => Promise.resolve(findSecrets(text).filter(({ generic }) => !generic).length),
};

/** Our own kernel, and the largest single files of JavaScript that come with what we depend on. */
function filesOf(): Readonly<Record<string, readonly (readonly [path: string, text: string])[]>> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const read = (path: string): readonly [string, string] => [path, readFileSync(root + path, 'utf8')];
  const sources = readdirSync(`${root}kernel/src`)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(`kernel/src/${name}`));
  return {
    'TypeScript, the files of kernel/src': sources,
    'JavaScript, fast-check as one file': [read('node_modules/fast-check/lib/fast-check.js')],
  };
}

async function recallOf({ scan }: Scanner, samples: readonly Sample[]): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const { family, text } of samples) {
    const hit = (await scan('src/config.ts', text)) > 0 ? 1 : 0;
    found.set(family, (found.get(family) ?? 0) + hit);
  }
  return new Map([...found].map(([family, count]) => [family, count / EACH]));
}

const scanners = [mandate, await secretlint()];
const samples = samplesOf(EACH);
const recalls = await Promise.all(scanners.map(async (scanner) => recallOf(scanner, samples)));
const share = (recall: ReadonlyMap<string, number>): number =>
  [...recall.values()].reduce((sum, each) => sum + each, 0) / recall.size;
const percent = (value: number): string => `${(value * 100).toFixed(value === 1 ? 0 : 1)} %`;
const recall = recalls.map(share);
const [ours = 0] = recall;
if (ours < LEAST_RECALL)
  throw new Error(
    `Mandate finds ${percent(ours)} of the generated tokens; ${percent(LEAST_RECALL)} is the least.`,
  );

const rows: string[][] = [];
const notes: string[] = [];
for (const [label, files] of Object.entries(filesOf())) {
  const size = files.reduce((sum, [, text]) => sum + text.length, 0);
  const timings = await raceAsync(
    scanners.map(({ name, scan }) => ({
      name,
      run: async () => {
        let found = 0;
        for (const [path, text] of files) found += await scan(path, text);
        return found;
      },
    })),
    ROUNDS,
  );
  for (const [i, { name, medianNs, ratio }] of timings.entries()) {
    rows.push([
      `${label}: ${name}`,
      duration(medianNs),
      `${(size / (medianNs / 1_000)).toFixed(1)} MB/s`,
      times(ratio),
      i === 0 ? '' : `≥ ${LEAST_RATIO}×`,
      i === 0 ? '' : verdict(ratio >= LEAST_RATIO),
      percent(recall[i] ?? 0),
    ]);
  }
}
for (const [i, { name }] of scanners.entries()) {
  const missed = [...(recalls[i] ?? [])].filter(([, value]) => value < 1);
  const list = missed.map(([family, value]) => `${family} ${percent(value)}`).join(', ');
  notes.push(`${name} misses ${missed.length === 0 ? 'none of the generated tokens' : `some of: ${list}`}.`);
}
notes.push(
  `Found are ${EACH} generated tokens of each of ${recall.length === 0 ? 0 : (recalls[0]?.size ?? 0)} kinds, those of secretlint's recommended rules; Mandate looks for more than a thousand kinds in the same time. Guesses do not count.`,
);
publish({
  name: 'secrets',
  command: 'npm run bench -- secrets',
  postgres: null,
  tables: [
    {
      title: 'Secrets in program text',
      head: [
        'text and scanner',
        'all files once (median)',
        'speed',
        'Mandate is faster by',
        'target',
        '',
        'found of the generated tokens',
      ],
      rows,
      notes,
    },
  ],
});

// Writes what Grafana and Prometheus read. The result lies in the repository for the default prefix, so that nobody has
// to run this; a test says when it has gone stale. `npm run monitoring -- --prefix simcorp --out somewhere` for others.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { alertRules } from './alert-rules.ts';
import { governanceDashboard } from './governance-dashboard.ts';
import { roadDashboard } from './road-dashboard.ts';
import { sloDashboard } from './slo-dashboard.ts';

/** Every generated file by its path in this folder. */
export function monitoringFiles(prefix: string): ReadonlyMap<string, string> {
  return new Map([
    ['grafana/dashboards/governance.json', jsonOf(governanceDashboard(prefix))],
    ['grafana/dashboards/road.json', jsonOf(roadDashboard(prefix))],
    ['grafana/dashboards/slo.json', jsonOf(sloDashboard(prefix))],
    [
      'prometheus/rules.yaml',
      `${RULES_HEADER}${stringify({ groups: alertRules(prefix) }, { lineWidth: 0 })}`,
    ],
  ]);
}

const RULES_HEADER = '# Written by monitoring/write.ts from alert-rules.ts; tested by rules.test.yaml.\n';
const PREFIX = /^[a-z][a-z0-9_]*$/;

function jsonOf(dashboard: unknown): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      prefix: { type: 'string', default: 'mandate' },
      out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
    },
  });
  if (!PREFIX.test(values.prefix)) {
    process.stderr.write(
      `--prefix ${values.prefix}: write what METRICS_PREFIX is, lower case letters, digits and _.\n`,
    );
    process.exitCode = 2;
    return;
  }
  for (const [path, text] of monitoringFiles(values.prefix)) {
    const target = join(values.out, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    process.stdout.write(`${target}\n`);
  }
}

if (import.meta.main) main();

// From the written `monitors` to what the kernel watches by. Everything that would leave something unwatched is refused
// with its place: an unknown set, a condition about nothing that is measured, an objective that no failure can miss.
import {
  anyPatternCovers,
  compileBreaker,
  DEFAULT_MIN_SAMPLES,
  readMonitorWindow,
  sloProblems,
  suggest,
} from '@mandate/kernel';
import type {
  BreakerSetting,
  Charter,
  GovernedSet,
  MonitorSettings,
  SloIndicator,
  SloSetting,
} from '@mandate/kernel';
import { renderOrigin, renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { Merged } from './merged.ts';
import type { WrittenMonitors, WrittenSlo } from './monitors-schema.ts';
import { durationMs, expandPattern } from './units.ts';

interface Reading {
  readonly merged: Merged;
  readonly errors: CharterError[];
  readonly phases: readonly GovernedSet[];
}

/** Reads the section; null where the charter has none. What is wrong with it goes to `errors`. */
export function readMonitors(reading: Reading): MonitorSettings | null {
  const written = reading.merged.sections.monitors;
  if (written === undefined) return null;
  return {
    breakers: Object.entries(written.breakers ?? {}).map(([name, it]) => readBreaker(reading, name, it)),
    slos: (written.slos ?? []).map((it) => readSlo(reading, it)),
  };
}

function readBreaker(
  reading: Reading,
  name: string,
  written: NonNullable<WrittenMonitors['breakers']>[string],
): BreakerSetting {
  const { merged, phases } = reading;
  const path: Path = ['monitors', 'breakers', name];
  const rule = {
    name,
    enabled: written.enabled ?? true,
    condition: written.condition,
    window: written.window,
    action: written.action,
    alertSeverity: written.alertSeverity ?? ('warning' as const),
    minSamples: written.minSamples ?? DEFAULT_MIN_SAMPLES,
  };
  const compiled = compileBreaker(rule);
  for (const { field, message, offset } of compiled.kind === 'refused' ? compiled.problems : []) {
    const at: Path = [...path, field];
    const file = merged.fileOf(at);
    const place = offset === null ? file.placeOf(at) : file.placeWithin(at, offset);
    const sentence = offset === null ? capital(message) : `The condition is wrong here: ${message}`;
    reading.errors.push({ ...place, pointer: renderPath(at), message: `${sentence}.` });
  }
  const sets = typeof written.sets === 'string' ? [written.sets] : (written.sets ?? []);
  for (const [index, set] of sets.entries()) {
    const known = phases.map((each) => each.name);
    if (!known.includes(set))
      fail(
        reading,
        typeof written.sets === 'string' ? [...path, 'sets'] : [...path, 'sets', index],
        `There is no governed set ${set}${suggest(set, known)}. Write a name under phases, or leave sets out for all of them.`,
      );
  }
  if (phases.length === 0)
    fail(
      reading,
      path,
      'A breaker guards a governed set, and this charter has none. Add phases:, or remove it.',
    );
  return { ...rule, sets, origin: renderOrigin(merged.fileOf(path).placeOf(path), path) };
}

function readSlo(reading: Reading, written: WrittenSlo): SloSetting {
  const { merged, phases } = reading;
  const { metadata, spec } = written;
  const path = placeOfSlo(merged, metadata.name);
  const objective = spec.objectives[0] ?? {};
  const { ratioMetric, thresholdMetric } = spec.indicator.spec;
  const patterns = patternsOf((ratioMetric?.total ?? thresholdMetric)?.metricSource.spec.actions);
  if (ratioMetric !== undefined) {
    const good = patternsOf(ratioMetric.good.metricSource.spec.actions);
    if (good.toSorted().join() !== patterns.toSorted().join())
      fail(
        reading,
        [...path, 'spec', 'indicator', 'spec', 'ratioMetric', 'good'],
        `Good and total must count the same actions, or acts would be good that nobody counted. Write ${patterns.join(', ')} under both.`,
      );
    if (ratioMetric.total.metricSource.spec.status !== undefined)
      fail(
        reading,
        [...path, 'spec', 'indicator', 'spec', 'ratioMetric', 'total'],
        'If only successes are counted, everything is good. Leave status out under total.',
      );
  }
  const indicator = readIndicator(reading, path, written);
  const windowText = spec.timeWindow[0]?.duration ?? '';
  const window = readMonitorWindow(windowText);
  const windowMs = window.kind === 'window' ? window.ms : durationMs(windowText);
  const target = objective.target ?? (objective.targetPercent ?? 0) / 100;
  for (const { field, message } of sloProblems({ target, windowMs })) {
    const at =
      field === 'window'
        ? ['timeWindow', 0, 'duration']
        : ['objectives', 0, objective.target === undefined ? 'targetPercent' : 'target'];
    fail(reading, [...path, 'spec', ...at], message);
  }
  return {
    name: metadata.name,
    title: metadata.displayName ?? spec.description ?? metadata.name,
    set: phases.find(({ name }) => name === spec.service)?.name ?? null,
    patterns,
    indicator,
    windowMs,
    target,
    response: metadata.annotations?.['mandate.dev/response'] ?? 'alert_only',
    alertSeverity: metadata.annotations?.['mandate.dev/severity'] ?? 'alert',
    minSamples: Number(metadata.annotations?.['mandate.dev/min-samples'] ?? DEFAULT_MIN_SAMPLES),
    origin: renderOrigin(merged.fileOf(path).placeOf(path), path),
  };
}

function readIndicator(reading: Reading, path: Path, { spec }: WrittenSlo): SloIndicator {
  const { op, value } = spec.objectives[0] ?? {};
  const isLatency = spec.indicator.spec.thresholdMetric !== undefined;
  if (isLatency !== (op !== undefined && value !== undefined) || (op === undefined) !== (value === undefined))
    fail(
      reading,
      [...path, 'spec', 'objectives', 0],
      isLatency
        ? 'A thresholdMetric needs op and value: which time is good? Write op: lte and value: 2000 (milliseconds).'
        : 'op and value belong to a thresholdMetric. Remove them, or measure how long acts take.',
    );
  if (spec.indicator.spec.thresholdMetric?.metricSource.spec.status !== undefined)
    fail(
      reading,
      [...path, 'spec', 'indicator', 'spec', 'thresholdMetric'],
      'What failed is never in time, so status says nothing here. Remove it.',
    );
  return isLatency ? { kind: 'latency', op: op ?? 'lte', valueMs: value ?? 0 } : { kind: 'ratio' };
}

/** Objectives are told apart by name, wherever they stand in the list of their file. */
function placeOfSlo(merged: Merged, name: string): Path {
  const { value } = merged.fileOf(['monitors', 'slos']);
  const index = slosIn(value).findIndex((each) => nameOf(each) === name);
  return index < 0 ? ['monitors', 'slos'] : ['monitors', 'slos', index];
}

function slosIn(value: unknown): readonly unknown[] {
  const slos = field(field(value, 'monitors'), 'slos');
  return Array.isArray(slos) ? slos : [];
}

function nameOf(slo: unknown): unknown {
  return field(field(slo, 'metadata'), 'name');
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** An objective replaces the inherited one of its name, a breaker likewise; the others stay. */
export function mergeMonitors(
  base: WrittenMonitors | undefined,
  over: WrittenMonitors | undefined,
): WrittenMonitors | undefined {
  if (base === undefined || over === undefined) return over ?? base;
  const names = new Set((over.slos ?? []).map(({ metadata }) => metadata.name));
  return {
    breakers: { ...base.breakers, ...over.breakers },
    slos: [...(base.slos ?? []).filter(({ metadata }) => !names.has(metadata.name)), ...(over.slos ?? [])],
  };
}

/** Objectives about actions of a governed set that do not belong to it: their events would not count for its phase. */
export function warnOfForeignSlos(
  merged: Merged,
  { monitors, phases: sets = [] }: Pick<Charter, 'monitors' | 'phases'>,
): readonly CharterError[] {
  return (monitors?.slos ?? []).flatMap(({ name, set, patterns }) => {
    const governed = sets.find((each) =>
      patterns.some((pattern) => anyPatternCovers(each.patterns, pattern)),
    );
    if (set !== null || governed === undefined) return [];
    const path = [...placeOfSlo(merged, name), 'spec', 'service'];
    const message = `The objective ${name} is about actions that the set ${governed.name} governs. Write service: ${governed.name}, or its events do not count for that set.`;
    return [{ ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message }];
  });
}

function patternsOf(written: string | readonly string[] | undefined): readonly string[] {
  if (written === undefined) return [];
  return [...new Set((typeof written === 'string' ? [written] : written).flatMap(expandPattern))];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function fail({ merged, errors }: Reading, path: Path, message: string): void {
  errors.push({ ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message });
}

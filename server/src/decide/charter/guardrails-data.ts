// From the written `guardrails` and `flows` to the kernel's: defaults filled in, units converted, conditions checked
// with the exact place of what is wrong.
import { compileCondition, DEFAULT_GUARDRAILS, DEFAULT_TAINT, FLOW_ROOTS, OWN_ROOTS } from '@mandate/kernel';
import type { CelType, FlowRule, GuardrailPlugin, GuardrailSettings, OwnGuardrail } from '@mandate/kernel';
import { renderOrigin, renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { Merged } from './merged.ts';
import { overlay } from './overlay.ts';
import { durationMs, expandPattern, microUsd } from './units.ts';

/** Unless a plug-in says otherwise. */
const PLUGIN_TIMEOUT_MS = 250;
const FLOW_WITHIN_MS = 3_600_000;

export function readGuardrails(merged: Merged, errors: CharterError[]): GuardrailSettings {
  const written = merged.sections.guardrails;
  const { cost, diff } = readThresholds(merged, errors);
  const own = readOwn(merged, errors);
  const plugins = readPlugins(merged);
  const taint = written?.taint;
  return {
    cost,
    secretLeak: written?.secretLeak ?? DEFAULT_GUARDRAILS.secretLeak,
    protectedPaths: written?.protectedPaths ?? DEFAULT_GUARDRAILS.protectedPaths,
    protectedBranches: written?.protectedBranches ?? DEFAULT_GUARDRAILS.protectedBranches,
    deploymentWindow: written?.deploymentWindow ?? DEFAULT_GUARDRAILS.deploymentWindow,
    diff,
    // Left out where it is not written, so that a charter without them keeps its version.
    ...(own.length === 0 ? {} : { own }),
    ...(plugins === null ? {} : { plugins }),
    ...(written?.required === undefined ? {} : { required: [...new Set(written.required)] }),
    ...(taint === undefined
      ? {}
      : {
          taint: {
            severity: taint.severity ?? DEFAULT_TAINT.severity,
            windowMs: taint.window === undefined ? DEFAULT_TAINT.windowMs : durationMs(taint.window),
          },
        }),
  };
}

function readThresholds(merged: Merged, errors: CharterError[]): Pick<GuardrailSettings, 'cost' | 'diff'> {
  const written = merged.sections.guardrails;
  const usd = (amount: number | undefined, byDefault: number): number =>
    amount === undefined ? byDefault : microUsd(amount);
  const cost = {
    warningMicroUsd: usd(written?.cost?.warningUsd, DEFAULT_GUARDRAILS.cost.warningMicroUsd),
    errorMicroUsd: usd(written?.cost?.errorUsd, DEFAULT_GUARDRAILS.cost.errorMicroUsd),
    criticalMicroUsd: usd(written?.cost?.criticalUsd, DEFAULT_GUARDRAILS.cost.criticalMicroUsd),
  };
  const diff = overlay(DEFAULT_GUARDRAILS.diff, written?.diff);
  if (cost.warningMicroUsd > cost.errorMicroUsd || cost.errorMicroUsd > cost.criticalMicroUsd) {
    errors.push(
      errorAt(
        merged,
        ['guardrails', 'cost'],
        `The thresholds must ascend: warningUsd ${cost.warningMicroUsd / 1e6}, errorUsd ${cost.errorMicroUsd / 1e6}, criticalUsd ${cost.criticalMicroUsd / 1e6}. Correct their order.`,
      ),
    );
  }
  if (diff.warningLines > diff.errorLines) {
    errors.push(
      errorAt(
        merged,
        ['guardrails', 'diff'],
        `The thresholds must ascend: warningLines ${diff.warningLines}, errorLines ${diff.errorLines}. Correct their order.`,
      ),
    );
  }
  return { cost, diff };
}

function readOwn(merged: Merged, errors: CharterError[]): readonly OwnGuardrail[] {
  return Object.entries(merged.sections.guardrails?.own ?? {}).map(([name, written]) => {
    const path = ['guardrails', 'own', name];
    errors.push(...conditionErrors(merged, [...path, 'when'], written.when, OWN_ROOTS));
    return {
      name,
      actions: patternsOf(written.actions),
      when: written.when,
      severity: written.severity ?? 'warning',
      message: written.message,
      origin: renderOrigin(merged.fileOf(path).placeOf(path), path),
    };
  });
}

function readPlugins(merged: Merged): Readonly<Record<string, GuardrailPlugin>> | null {
  const written = merged.sections.guardrails?.plugins;
  if (written === undefined) return null;
  return Object.fromEntries(
    Object.entries(written).map(([name, it]) => [
      name,
      {
        url: it.http,
        secret: it.secret ?? null,
        allowPrivate: it.allowPrivate ?? false,
        actions: patternsOf(it.actions),
        timeoutMs: it.timeoutMs ?? PLUGIN_TIMEOUT_MS,
        full: it.full ?? false,
      },
    ]),
  );
}

/** null where no file has any. */
export function readFlows(merged: Merged, errors: CharterError[]): readonly FlowRule[] | null {
  const written = merged.sections.flows;
  if (written === undefined) return null;
  return written.map((flow) => {
    const found = placeOfFlow(merged, flow.name);
    if (flow.unless !== undefined)
      errors.push(...conditionErrors(merged, [...found, 'unless'], flow.unless, FLOW_ROOTS));
    return {
      name: flow.name,
      after: patternsOf(flow.after),
      next: patternsOf(flow.then),
      withinMs: flow.within === undefined ? FLOW_WITHIN_MS : durationMs(flow.within),
      unless: flow.unless ?? null,
      tier: flow.tier ?? 'red',
      origin: renderOrigin(merged.fileOf(found).placeOf(found), found),
    };
  });
}

// Flows are told apart by name, wherever they stand in the list of their file.
function placeOfFlow(merged: Merged, name: string): Path {
  const { value } = merged.fileOf(['flows']);
  const listed: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'flows') : undefined;
  const at = Array.isArray(listed)
    ? listed.findIndex(
        (flow: unknown) => typeof flow === 'object' && flow !== null && Reflect.get(flow, 'name') === name,
      )
    : -1;
  return at < 0 ? ['flows'] : ['flows', at];
}

function conditionErrors(
  merged: Merged,
  path: Path,
  source: string,
  roots: Readonly<Record<string, CelType>>,
): readonly CharterError[] {
  const compiled = compileCondition(source, roots);
  if (compiled.kind === 'compiled') return [];
  return compiled.problems.map((problem) => ({
    ...merged.fileOf(path).placeWithin(path, problem.offset),
    pointer: renderPath(path),
    message: `The condition is wrong here: ${problem.message}. Correct it.`,
  }));
}

function patternsOf(written: string | readonly string[] | undefined): readonly string[] {
  if (written === undefined) return [];
  return (typeof written === 'string' ? [written] : written).flatMap(expandPattern);
}

function errorAt(merged: Merged, path: Path, message: string): CharterError {
  return { ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message };
}

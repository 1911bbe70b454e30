// What a person wants to see of a test run: nothing about what passed but the count, everything about what failed.
import { relative } from 'node:path';
import { inspect } from 'node:util';

/** The runner's own closing words come the same way as what a test has to say (t.diagnostic). */
const isSummary = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

/**
 * @param {{ root: string, files: readonly string[], write: (text: string) => void }} needs
 * @returns take() for each event of node:test's stream, end() for the counts.
 */
export function createReport({ root, files, write }) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const paths = new Set(files);
  const noise = [];

  function takeResult(type, data) {
    const path = data.file === undefined ? '' : relative(root, data.file);
    const isFile = data.nesting === 0 && (paths.has(relative(root, data.name)) || paths.has(data.name));
    // A suite is only the shelf of its tests: it counts when it fails by itself, in a hook of its own.
    const isShelf = isFile || data.details.type === 'suite';
    const isEcho = data.details.error?.failureType === 'subtestsFailed';
    if (type === 'test:pass') {
      if (data.skip !== undefined || data.todo !== undefined) skip(path, data);
      else if (!isShelf) counts.passed += 1;
      return;
    }
    if (data.todo !== undefined) return skip(path, data);
    if (isEcho && isShelf) return;
    counts.failed += 1;
    if (!isEcho)
      write(
        `\n✗ ${isFile ? 'the file itself' : data.name}\n  ${path}:${data.line ?? 1}\n${indent(reasonOf(data.details.error))}\n`,
      );
  }

  function skip(path, data) {
    counts.skipped += 1;
    const why = [data.skip, data.todo].find((reason) => typeof reason === 'string') ?? 'no reason given';
    write(`- ${path}: ${data.name} (skipped: ${why})\n`);
  }

  return {
    take({ type, data }) {
      if (type === 'test:pass' || type === 'test:fail') takeResult(type, data);
      // Output of tests is only worth reading when something failed.
      else if (type === 'test:stderr' || type === 'test:stdout') noise.push(data.message);
      else if (type === 'test:diagnostic' && !isSummary.test(data.message)) write(`! ${data.message}\n`);
      else if (type === 'test:interrupted') write('\nInterrupted.\n');
    },
    end() {
      if (counts.failed > 0 && noise.length > 0)
        write(`\nWhat the tests printed:\n${noise.join('').slice(-20_000)}\n`);
      return counts;
    },
  };
}

/** node:test wraps what was thrown; the wrapper's own stack points into node:test. */
function reasonOf(error) {
  const cause = error?.cause ?? error;
  const isAssertion = cause?.code === 'ERR_ASSERTION';
  const text = isAssertion ? cause.stack : inspect(cause, { colors: process.stdout.isTTY, depth: 6 });
  return text.replaceAll(/^.*\bat .*node:internal.*\n?/gm, '');
}

function indent(text) {
  return text.replaceAll(/^/gm, '  ');
}

// Templates as people write them: every mistake is told with its line and column, and no size is waited for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../../decide/charter/parse.ts';
import { readTemplate } from './template.ts';
import type { ReadYaml } from './template.ts';

const readYaml: ReadYaml = (text) => {
  const parsed = parseYaml('template', text);
  return parsed.kind === 'parsed'
    ? { kind: 'read', text: parsed.yaml }
    : { kind: 'refused', errors: parsed.errors };
};

function told(text: string): readonly string[] {
  const read = readTemplate(text, readYaml);
  return read.kind === 'refused'
    ? read.errors.map(({ line, column, pointer, message }) => `${line}:${column} ${pointer}: ${message}`)
    : [];
}

const HEAD = 'name: t\nagent: a\nsteps:\n';
const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  [
    'an unknown key',
    'name: t\nagent: a\nstpes: []\n',
    /3:1 stpes: There is no key stpes \(did you mean 'steps'\?\)/,
  ],
  [
    'an unknown key of a step',
    `${HEAD}  - { id: a, action: b.c, need: [x] }\n`,
    /^4:\d+ steps\[0\]\.need: There is no key need \(did you mean 'needs'\?\)/,
  ],
  [
    'an unknown need',
    `${HEAD}  - { id: build, action: b.c }\n  - id: ship\n    action: b.d\n    needs: [biuld]\n`,
    /^7:13 steps\[1\]\.needs\[0\]: There is no step biuld \(did you mean 'build'\?\)/,
  ],
  [
    'a circle',
    `${HEAD}  - { id: a, action: b.c, needs: b }\n  - { id: b, action: b.c, needs: a }\n`,
    /steps\[\d\]\.needs: These steps wait for each other and none can begin: . → . → ./,
  ],
  [
    'bad CEL in the middle of a text',
    `${HEAD}  - { id: a, action: b.c, when: 'inputs.x = 1' }\n`,
    /^4:\d+ steps\[0\]\.when:/,
  ],
  [
    'an expression within parameters',
    `${HEAD}  - id: a\n    action: b.c\n    parameters: { deep: [{ x: "is \${{ inputs.y }}" }] }\n`,
    /^6:\d+ steps\[0\]\.parameters\.deep\[0\]\.x: There is no input y/,
  ],
  [
    'nobody to do it',
    'name: t\nsteps:\n  - { id: a, action: b.c }\n',
    /^3:5 steps\[0\]: Nobody does the step a/,
  ],
  ['neither action nor wait', `${HEAD}  - { id: a }\n`, /A step has either an action or wait/],
  [
    'a secret in plain text',
    `${HEAD}  - { id: a, action: b.c, parameters: { t: ghp_abcdefghijklmnopqrstuvwxyz0123456789 } }\n`,
    /A secret stands here in plain text|^$/,
  ],
  ['two readings', 'name: t\nname: u\nagent: a\nsteps: []\n', /^2:1 name: The key name is already written/],
];

test('what a template says wrong is told with line, column and what was meant', () => {
  for (const [what, text, expected] of REFUSED) assert.match(told(text).join('\n'), expected, what);
});

test('ten thousand steps are refused in well under a second, however they are written', () => {
  const texts = [
    `name: t\nagent: a\nsteps:\n${Array.from({ length: 10_000 }, (_, at) => `- {id: s${at},action: a.b}\n`).join('')}`,
    `name: t\nagent: a\nsteps:\n${Array.from({ length: 10_000 }, (_, at) => `  - id: s${at}\n    action: a.b\n    needs: [s${at + 1}]\n`).join('')}`,
    JSON.stringify(
      {
        name: 't',
        agent: 'a',
        steps: Array.from({ length: 10_000 }, (_, at) => ({ id: `s${at}`, action: 'a.b' })),
      },
      null,
      2,
    ),
  ];
  for (const text of texts) {
    const beganMs = performance.now();
    assert.match(told(text)[0] ?? '', /1000 (steps\)|is the most)/);
    assert.ok(
      performance.now() - beganMs < 1_000,
      `${Math.round(performance.now() - beganMs)} ms for ${text.length} characters`,
    );
  }
});

test('YAML and the JSON of the same template are the same version', () => {
  const yaml = readTemplate(`${HEAD}  - { id: a, action: b.c, retries: 2, needs: [] } # a note\n`, readYaml);
  const json = readTemplate(
    JSON.stringify({ steps: [{ action: 'b.c', id: 'a', retries: { max: 2 } }], agent: 'a', name: 't' }),
    readYaml,
  );
  assert.ok(yaml.kind === 'template' && json.kind === 'template');
  assert.equal(yaml.canonical, json.canonical);
});

test('a template that is kept already is not refused for what is called a secret since', () => {
  const text = `${HEAD}  - { id: a, action: b.c, parameters: { t: ghp_abcdefghijklmnopqrstuvwxyz0123456789 } }\n`;
  assert.equal(readTemplate(text, readYaml).kind, 'refused');
  assert.equal(readTemplate(text, readYaml, { isKept: true }).kind, 'template');
});

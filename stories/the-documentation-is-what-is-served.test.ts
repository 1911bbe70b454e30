// Programs are written from /openapi.json and people read /reference. The one must be a sound OpenAPI 3.1 document that
// leaves nothing out, the other must work without asking anybody on the internet for anything.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { wholeFile } from '../test/closing.ts';
import type { Door } from '../test/door.ts';
import { openDoor } from '../test/door.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

let door: Door;
let document: JsonObject;
const file = wholeFile();
before(async () => {
  door = await openDoor(file);
  document = (await door.call('GET', '/openapi.json', { key: null })).json as JsonObject;
});

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly item: JsonObject;
}

function operations(): readonly Operation[] {
  return Object.entries(objectOf(document['paths'])).flatMap(([path, methods]) =>
    Object.entries(objectOf(methods)).map(([method, item]) => ({ path, method, item: objectOf(item) })),
  );
}

function objectOf(value: Json | undefined): JsonObject {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), JSON.stringify(value));
  return value as JsonObject;
}

function textOf(value: Json | undefined): string {
  assert.ok(typeof value === 'string', JSON.stringify(value));
  return value;
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map((each: Json) => objectOf(each)) : [];
}

test('the document is OpenAPI 3.1 with everything that the specification demands', () => {
  assert.match(textOf(document['openapi']), /^3\.1\.\d+$/);
  const { title, version } = objectOf(document['info']);
  assert.ok(typeof title === 'string' && typeof version === 'string');
  for (const { path, method, item } of operations()) {
    const name = `${method} ${path}`;
    assert.match(path, /^\//, name);
    assert.match(method, /^(get|put|post|delete|patch)$/, name);
    assert.match(textOf(item['operationId']), /^[a-zA-Z0-9-]+$/, name);
    assert.ok(textOf(item['summary']).length > 5, name);
    for (const [status, response] of Object.entries(objectOf(item['responses']))) {
      assert.match(status, /^([1-5]\d\d|[1-5]XX|default)$/, name);
      assert.equal(typeof objectOf(response)['description'], 'string', name);
    }
    assert.equal('requestBody' in item && ['get', 'delete'].includes(method), false, `${name} has no body`);
  }
});

test('every operation has an id of its own', () => {
  const ids = operations().map(({ item }) => textOf(item['operationId']));
  assert.equal(new Set(ids).size, ids.length, ids.join(' '));
});

test('every parameter of a path is declared, and no other', () => {
  for (const { path, method, item } of operations()) {
    const parameters = listOf(item['parameters']);
    const inPath = parameters.filter((each) => each['in'] === 'path');
    const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
    assert.deepEqual(new Set(inPath.map((each) => each['name'])), new Set(named), `${method} ${path}`);
    assert.equal(inPath.length, named.length, `${method} ${path}`);
    assert.ok(
      inPath.every((each) => each['required'] === true),
      `${method} ${path}`,
    );
    const keys = parameters.map((each) => `${textOf(each['in'])} ${textOf(each['name'])}`);
    assert.equal(new Set(keys).size, keys.length, `${method} ${path}: ${keys.join(', ')}`);
    assert.ok(
      parameters.every((each) => typeof each['schema'] === 'object'),
      `${method} ${path}`,
    );
  }
});

test('every reference leads somewhere, and none outside', () => {
  const references: string[] = [];
  const walk = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (key === '$ref' && typeof child === 'string') references.push(child);
      else walk(child);
    }
  };
  walk(document);
  assert.ok(references.length > 0);
  for (const reference of new Set(references)) {
    assert.match(reference, /^#\//);
    let at: Json | undefined = document;
    for (const part of reference.slice(2).split('/'))
      at = objectOf(at)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
    assert.notEqual(at, undefined, reference);
  }
});

test('every security scheme that is asked for exists', () => {
  const schemes = Object.keys(objectOf(objectOf(document['components'])['securitySchemes']));
  const asked = [
    ...listOf(document['security']),
    ...operations().flatMap(({ item }) => listOf(item['security'])),
  ];
  for (const each of asked) for (const name of Object.keys(each)) assert.ok(schemes.includes(name), name);
});

test('whatever is documented is served, with the methods that are documented and no others', async () => {
  for (const { path } of operations()) {
    const real = path.replaceAll(/\{[a-z]+\}/g, '00000000-0000-4000-8000-000000000000');
    const answer = await door.call('OPTIONS', real);
    assert.equal(answer.status, 405, path);
    const served = (answer.headers.get('allow') ?? '').split(', ').filter((method) => method !== 'HEAD');
    // One address may fit two templates: /flags/audit is also the flag of that name.
    const documented = operations().filter((other) => templateFits(other.path, real));
    const methods = new Set(documented.map(({ method }) => method.toUpperCase()));
    assert.deepEqual(served, [...methods].toSorted(), path);
  }
});

function templateFits(template: string, path: string): boolean {
  const pattern = template.replaceAll(/[.]/g, '\\.').replaceAll(/\{[a-z]+\}/g, '[^/]+');
  return new RegExp(`^${pattern}$`).test(path);
}

test('every code that a problem may have is in the document', () => {
  const problem = objectOf(objectOf(objectOf(document['components'])['schemas'])['Problem']);
  const codes = objectOf(objectOf(problem['properties'])['code'])['enum'] as readonly string[];
  for (const code of [
    'denied',
    'stopped',
    'limit_exceeded',
    'malformed',
    'invalid',
    'too_large',
    'request_timeout',
  ])
    assert.ok(codes.includes(code), code);
});

test('the reference page loads from this server alone, and the policy sees to it', async () => {
  for (const path of ['/reference', '/docs']) {
    const page = await door.call('GET', path, { key: null });
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.doesNotMatch(page.text, /(https?:)?\/\/[a-z]/i, 'no address of anybody else');
    const policy = new Map(
      (page.headers.get('content-security-policy') ?? '').split('; ').map((each) => {
        const [name = '', ...values] = each.split(' ');
        return [name, values] as const;
      }),
    );
    assert.deepEqual(policy.get('default-src'), ["'none'"]);
    assert.deepEqual(policy.get('connect-src'), ["'self'"]);
    assert.deepEqual(policy.get('frame-ancestors'), ["'none'"]);
    for (const [name, values] of policy) {
      const isOurs = values.every((value) =>
        /^('none'|'self'|'unsafe-inline'|'sha256-[^']+'|data:|blob:)$/.test(value),
      );
      assert.ok(isOurs, `${name} ${values.join(' ')}`);
    }
    const scripts = policy.get('script-src') ?? [];
    assert.ok(!scripts.includes("'unsafe-inline'") && !scripts.includes("'unsafe-eval'"));
    // The inline script is exactly the one whose hash the policy allows.
    const inline = [...page.text.matchAll(/<script>([^]*?)<\/script>/g)].map(([, text]) => text ?? '');
    const hashes = inline.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
    assert.deepEqual(
      hashes,
      scripts.filter((value) => value.startsWith("'sha256-")),
    );
    for (const [, source] of page.text.matchAll(/src="([^"]+)"/g)) {
      const script = await door.call('GET', source ?? '', { key: null });
      assert.equal(script.status, 200);
      assert.match(script.headers.get('content-type') ?? '', /javascript/);
      assert.ok(script.text.length > 100_000);
    }
    // The link of the first start: its key fills the form, and the address keeps nothing of it.
    const opened = (hash: string): readonly unknown[] => {
      const did: unknown[] = [];
      runInNewContext(inline.join(';'), {
        location: { hash, pathname: path },
        history: { replaceState: (...to: readonly unknown[]) => did.push(to[2]) },
        Scalar: {
          createApiReference: (_where: string, { authentication }: { authentication?: unknown }) =>
            did.push(JSON.stringify(authentication)),
        },
      });
      return did;
    };
    assert.deepEqual(opened('#key=mdt_abc-1'), [
      path,
      '{"preferredSecurityScheme":"bearer","securitySchemes":{"bearer":{"token":"mdt_abc-1"}}}',
    ]);
    assert.deepEqual(opened('#tag/keys'), [undefined]);
    assert.match(page.text, /withDefaultFonts: false/);
    assert.match(page.text, /telemetry: false/);
    assert.match(page.text, /proxyUrl: ''/);
  }
});

test('the metrics are open to this machine itself and to nobody who comes through it', async () => {
  assert.equal((await door.call('GET', '/metrics', { key: null })).status, 200);
  const rows: readonly Readonly<Record<string, string>>[] = [
    { 'x-forwarded-for': '203.0.113.7' },
    { forwarded: 'for=203.0.113.7' },
    { via: '1.1 proxy' },
  ];
  for (const headers of rows)
    assert.equal((await door.call('GET', '/metrics', { key: null, headers })).status, 401);
  const rebound = await door.send('GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
  assert.match(rebound, /^HTTP\/1\.1 401 /);
});

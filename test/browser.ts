// A real browser for pages of ours: the Chromium of the system without a window, spoken to over two pipes in the Chrome
// DevTools Protocol (https://chromedevtools.github.io/devtools-protocol/). Whatever a policy of the page keeps out is
// noted, because a page that works only without its policy does not work.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { findProgram } from './system-package.ts';

interface Testing {
  after(fn: () => Promise<void>): void;
  skip(message: string): void;
}

export interface Browser {
  /** Waits until it has loaded. */
  goto(url: string): Promise<void>;
  /** Clicks what the selector finds, and waits for the page that follows. */
  submit(selector: string): Promise<void>;
  click(selector: string): Promise<void>;
  /** Replaces what stands in a field, as typing would. */
  fill(selector: string, text: string): Promise<void>;
  /** The value of an expression in the page. */
  read(expression: string): Promise<unknown>;
  /** All text that the page shows. */
  text(): Promise<string>;
  screenshot(path: string): Promise<void>;
  /** What the browser complained about: policies, errors. That an answer was a refusal is for the test to say. */
  complaints(): readonly string[];
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--remote-debugging-pipe',
];

/** A page of ours is there at once; one that never comes was not asked for, as where a field is missing. */
const LOAD_MS = 10_000;

/** null where there is no browser and the test is skipped. */
export async function openBrowser(t: Testing): Promise<Browser | null> {
  const program = await findProgram(t, 'chromium', 'chromium');
  if (program === null) return null;
  const profile = await mkdtemp(join(tmpdir(), 'mandate-browser-'));
  const child = spawn(program, [...ARGUMENTS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await gone;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  const [, , , input, output] = child.stdio;
  if (!(input instanceof Writable) || !(output instanceof Readable)) throw new Error('no pipes');
  const write = (text: string): void => void input.write(text);
  const waiting = new Map<number, (reply: Reply) => void>();
  const events = new Map<string, (() => void)[]>();
  const complaints: string[] = [];
  let lastId = 0;
  let sessionId: string | null = null;

  function heard(reply: Reply): void {
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
    if (reply.method === 'Log.entryAdded' && !isStatus(reply.params))
      complaints.push(JSON.stringify(reply.params));
    for (const run of events.get(reply.method ?? '')?.splice(0) ?? []) run();
  }
  let rest = '';
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) heard(JSON.parse(message) as Reply);
  });

  async function send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    lastId += 1;
    const id = lastId;
    const reply = await new Promise<Reply>((resolve) => {
      waiting.set(id, resolve);
      const about = sessionId === null ? {} : { sessionId };
      write(`${JSON.stringify({ id, method, params, ...about })}\0`);
    });
    waiting.delete(id);
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result ?? {};
  }

  async function loaded(run: () => Promise<unknown>): Promise<void> {
    const load = new Promise<void>((resolve) => {
      events.set('Page.loadEventFired', [...(events.get('Page.loadEventFired') ?? []), resolve]);
    });
    await run();
    const late = new Promise<never>((_resolve, reject) => {
      const why = new Error(`no page within ${LOAD_MS} ms`);
      setTimeout(() => reject(why), LOAD_MS).unref();
    });
    await Promise.race([load, late]);
  }

  async function read(expression: string): Promise<unknown> {
    const answer = await send('Runtime.evaluate', { expression, returnByValue: true });
    if ('exceptionDetails' in answer) throw new Error(JSON.stringify(answer['exceptionDetails']));
    const { result } = answer as { result: { value?: unknown } };
    return result.value;
  }

  const found = (selector: string): string => `document.querySelector(${JSON.stringify(selector)})`;
  const click = (selector: string): Promise<unknown> => read(`${found(selector)}.click()`);

  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const attached = await send('Target.attachToTarget', { targetId, flatten: true });
  sessionId = String(attached['sessionId']);
  await Promise.all(['Page.enable', 'Log.enable', 'Runtime.enable'].map((method) => send(method)));
  return {
    goto: (url) => loaded(() => send('Page.navigate', { url })),
    submit: (selector) => loaded(() => click(selector)),
    async click(selector) {
      await click(selector);
    },
    async fill(selector, text) {
      await read(`${found(selector)}.focus(); ${found(selector)}.select()`);
      await send('Input.insertText', { text });
    },
    read,
    text: async () => String(await read('document.body.innerText')),
    async screenshot(path) {
      const metrics = await send('Page.getLayoutMetrics');
      const { width, height } = metrics['cssContentSize'] as { width: number; height: number };
      const clip = { x: 0, y: 0, width, height, scale: 1 };
      const shot = await send('Page.captureScreenshot', { captureBeyondViewport: true, clip });
      await writeFile(path, Buffer.from(String(shot['data']), 'base64'));
    },
    complaints: () => complaints,
  };
}

function isStatus(params: Reply['params']): boolean {
  const { entry } = (params ?? {}) as { entry?: { source?: string } };
  return entry?.source === 'network';
}

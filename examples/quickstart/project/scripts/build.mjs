// Builds the page into build/: the greeting, written by the module that the tests cover.
import { mkdir, writeFile } from 'node:fs/promises';
import { greet } from '../src/greet.js';

const out = new URL('../build/', import.meta.url);
await mkdir(out, { recursive: true });
await writeFile(new URL('index.html', out), `<!doctype html><title>Greeter</title><h1>${greet('production')}</h1>\n`);

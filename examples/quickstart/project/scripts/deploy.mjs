// Builds and copies the build to the folder that stands for production. The last line on stdout is the result.
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import './build.mjs';

const build = new URL('../build/', import.meta.url);
const production = new URL('../production/', import.meta.url);
const previous = new URL('../production.previous/', import.meta.url);

await mkdir(production, { recursive: true });
await rm(previous, { recursive: true, force: true });
await cp(production, previous, { recursive: true });
await cp(build, production, { recursive: true });
console.log(JSON.stringify({ deployed: await readdir(production), to: 'production/' }));

// Builds and copies the build to the folder that stands for production, or for staging where that is named. The last line
// on stdout is the result.
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import './build.mjs';

const build = new URL('../build/', import.meta.url);
const name = process.argv[2] === 'staging' ? 'staging' : 'production';
const target = new URL(`../${name}/`, import.meta.url);
const previous = new URL(`../${name}.previous/`, import.meta.url);

await mkdir(target, { recursive: true });
await rm(previous, { recursive: true, force: true });
await cp(target, previous, { recursive: true });
await cp(build, target, { recursive: true });
console.log(JSON.stringify({ deployed: await readdir(target), to: `${name}/` }));

// Workflow templates in the documentation, judged by the very reader that takes them over HTTP.
import { readTemplate } from '../../server/src/act/workflows/template.ts';
import { parseYaml } from '../../server/src/decide/charter/parse.ts';
import type { Block } from './page.ts';

export function isTemplate({ text }: Pick<Block, 'text'>): boolean {
  return /^steps:/m.test(text) && !/^version:/m.test(text);
}

/** What is wrong with it, one line each; empty where nothing is. */
export function templateProblems({ text }: Pick<Block, 'text'>): readonly string[] {
  const read = readTemplate(text, (source) => {
    const parsed = parseYaml('template', source);
    return parsed.kind === 'parsed' ? { kind: 'read', text: parsed.yaml } : parsed;
  });
  return read.kind === 'refused'
    ? read.errors.map(({ line, column, message }) => `${line}:${column} ${message}`)
    : [];
}

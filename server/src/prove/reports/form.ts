// In which form a report is handed out, and under which policy: the page may fetch nothing, run nothing and be framed by
// nobody, since parts of it were written by agents.
import { sha256 } from '../../platform/crypto/hash.ts';
import { toMarkdown } from './markdown.ts';
import { outlineReport } from './outline-report.ts';
import type { FiledReport } from './outline-report.ts';
import { PAGE_STYLE } from './page-style.ts';
import { toPage } from './page.ts';

export const FORMS = ['json', 'markdown', 'html'] as const;
export type Form = (typeof FORMS)[number];

const MEDIA: Readonly<Record<string, Form>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'text/markdown': 'markdown',
  'text/html': 'html',
  'text/*': 'markdown',
};

/** The form that an `Accept` header prefers (RFC 9110, section 12.5.1); JSON where it names none of ours. */
export function formOf(accept: string | null): Form {
  const wanted = (accept ?? '').split(',').flatMap((written) => {
    const [media = '', ...parameters] = written.split(';').map((part) => part.trim().toLowerCase());
    const form = MEDIA[media];
    const quality = Number(/^q=(.*)$/.exec(parameters.find((each) => each.startsWith('q=')) ?? 'q=1')?.[1]);
    return form === undefined || !(quality > 0) ? [] : [{ form, quality }];
  });
  return wanted.toSorted((a, b) => b.quality - a.quality)[0]?.form ?? 'json';
}

export interface Rendered {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>> & { readonly 'content-type': string };
}

export function renderReport(filed: FiledReport, form: Exclude<Form, 'json'>): Rendered {
  const outline = outlineReport(filed);
  switch (form) {
    case 'markdown':
      return { body: toMarkdown(outline), headers: { 'content-type': 'text/markdown; charset=utf-8' } };
    case 'html':
      return { body: toPage(outline), headers: pageHeaders() };
  }
}

/** No script, no frame, no other origin; the one style sheet by its hash. */
export function pageHeaders({ hasForm } = { hasForm: false }): Rendered['headers'] {
  const style = Buffer.from(sha256(PAGE_STYLE)).toString('base64');
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${style}'; form-action '${hasForm ? 'self' : 'none'}'; base-uri 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'x-robots-tag': 'noindex, nofollow',
    'cross-origin-opener-policy': 'same-origin',
  };
}

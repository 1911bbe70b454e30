// What every page of ours is framed by: nothing is fetched, nothing is indexed, and no address is handed on to where a
// link leads, because addresses of pages may hold tokens.
import { markup } from './markup.ts';
import type { Html } from './markup.ts';

export interface Page {
  readonly title: string;
  /** CSS of our own; it stands in the page. */
  readonly style: string;
  readonly body: Html;
}

export function framePage({ title, style, body }: Page): string {
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        <style>${{ html: style }}</style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>
`.html;
}

/** The body of a page that opens for a key: a browser sends none by itself. `path` is the page's own. */
export function keyBody(
  title: string,
  { path, sentences }: { readonly path: string; readonly sentences: readonly string[] },
): Html {
  const [first, ...others] = sentences;
  return markup`${noteBody(title, first === undefined ? [] : [first])}
      <form method="post" action="${path}">
        <label for="key">Key (used once for this page, kept nowhere)</label>
        <input id="key" name="key" type="password" autocomplete="off" required />
        <button>Open</button>
      </form>
      ${others.map((each) => markup`<p>${each}</p>`)}`;
}

/** The body of a page that only says something: a link that is not valid, a key that is missing. */
export function noteBody(title: string, sentences: readonly string[]): Html {
  return markup`<header>
        <p>Mandate</p>
        <h1>${title}</h1>
      </header>
      ${sentences.map((each) => markup`<p>${each}</p>`)}`;
}

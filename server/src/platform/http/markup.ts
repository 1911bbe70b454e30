// HTML written by hand, with one rule: whatever is not markup of ours goes through `text`. Characters that would turn the
// direction of writing, or that cannot be seen, are shown as what they are: by these pages people decide.

/** A piece of markup that is safe to put into a page as it is. */
export interface Html {
  readonly html: string;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** What cannot be seen, or turns the direction of writing. */
export const HIDDEN = /[^\P{Cc}\n\t]|\p{Bidi_Control}|[\p{Zl}\p{Zp}\u{200b}\u{2060}\u{feff}]/gu;

/** Text, safe in an element and in a quoted attribute. */
function text(value: string): string {
  return value
    .replaceAll(HIDDEN, (each) => `\\u{${(each.codePointAt(0) ?? 0).toString(16)}}`)
    .replaceAll(/[&<>"']/g, (each) => ENTITIES[each] ?? '');
}

/** Markup with values in it: strings are escaped, pieces of markup and lists of them are not. */
export function markup(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | null | Html | readonly Html[])[]
): Html {
  const written = parts.map((part, index) => part + valueOf(values[index] ?? null));
  return { html: written.join('') };
}

function valueOf(value: string | number | null | Html | readonly Html[]): string {
  if (value === null) return '';
  if (typeof value === 'string') return text(value);
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map((each) => each.html).join('');
}

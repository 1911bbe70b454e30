// Tokens that no one has issued, made from the shapes that secretlint's recommended rules look for, so that speed is
// not compared between a scanner that finds things and one that does not. The generator is seeded: every run has the same.

/** Family, and what a token of it is made of: quoted text, or an alphabet and a length. */
const FAMILIES: readonly (readonly [family: string, shape: string])[] = [
  ['AWS secret access key', `'AWS_SECRET_ACCESS_KEY="' s40 '"'`],
  ['Anthropic', "'sk-ant-api03-' b93 'AA'"],
  ['OpenAI', "'sk-proj-' b74 'T3BlbkFJ' b74"],
  ['Groq', "'gsk_' a52"],
  ['Hugging Face', "'hf_' m34"],
  ['GitHub', "'ghp_' a36"],
  ['GitHub (fine-grained)', "'github_pat_' w82"],
  ['GitLab', "'glpat-' b20"],
  ['npm', "'npm_' a36"],
  ['Slack', "'xoxb-' d12 '-' d12 '-' a24"],
  ['Slack webhook', "'https://hooks.slack.com/services/T' u8 '/B' u8 '/' a24"],
  ['Stripe', "'sk_live_' a24"],
  ['Shopify', "'shpat_' h32"],
  ['SendGrid', "'SG.' w22 '.' w43"],
  ['Notion', "'ntn_' d11 a35"],
  ['Linear', "'lin_api_' a40"],
  ['Figma', "'figd_' b40"],
  ['Grafana', "'glsa_' a32 '_' h8"],
  ['Docker', "'dckr_pat_' b27"],
  ['Databricks', "'dapi' h32"],
  ['Vault', "'hvs.' b95"],
  ['Vercel', "'vcp_' a56"],
  ['Tailscale', "'tskey-auth-' a12 '-' a32"],
  ['Cloudflare', "'cfut_' a40 h8"],
  ['basic auth in a URL', "'https://' l8 ':' a16 '@db.acme.org/'"],
  ['PostgreSQL URL', "'postgresql://' l8 ':' a16 '@db.acme.org:5432/app'"],
  ['MongoDB URL', "'mongodb+srv://' l8 ':' a16 '@cluster0.acme.org/app'"],
  [
    'PEM private key',
    "'-----BEGIN RSA PRIVATE KEY-----\\nMII' s61 '\\n' s64 '\\n-----END RSA PRIVATE KEY-----'",
  ],
];

const ALPHABETS: Readonly<Record<string, string>> = {
  a: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  b: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-',
  d: '0123456789',
  h: '0123456789abcdef',
  l: 'abcdefghijklmnopqrstuvwxyz',
  m: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
  s: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  u: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
  w: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_',
};

export interface Sample {
  readonly family: string;
  readonly text: string;
}

/** `each` samples of every family, each as a line of a program. */
export function samplesOf(each: number): readonly Sample[] {
  const random = seeded(20_261_120);
  return FAMILIES.flatMap(([family, shape]) =>
    Array.from({ length: each }, () => {
      const token = tokenOf(shape, random);
      const isBare = token.startsWith('AWS_') || token.startsWith('-----');
      return { family, text: isBare ? token : `const value = '${token}';\n` };
    }),
  );
}

function tokenOf(shape: string, random: () => number): string {
  return [...shape.matchAll(/'([^']+)'|([a-z])(\d+)/g)]
    .map(([, literal, alphabet = '', length]) => {
      if (literal !== undefined) return literal.replaceAll('\\n', '\n');
      const chars = ALPHABETS[alphabet] ?? '';
      return Array.from({ length: Number(length) }, () => chars[Math.floor(random() * chars.length)]).join(
        '',
      );
    })
    .join('');
}

// Mulberry32, which is public domain: enough for samples, and the same everywhere.
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

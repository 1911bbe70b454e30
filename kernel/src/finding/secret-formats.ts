// All token formats, and the values that only their name gives away. The tables themselves are split by theme.
import { AI_FORMATS } from './secret-formats-ai.ts';
import { PLATFORM_FORMATS } from './secret-formats-platforms.ts';
import { SERVICE_FORMATS } from './secret-formats-services.ts';
import type { SecretFormat } from './secret-format.ts';

/** Formats that a prefix, a suffix or a checksum gives away wherever they stand. */
export const SECRET_FORMATS: readonly SecretFormat[] = [
  ...PLATFORM_FORMATS,
  ...AI_FORMATS,
  ...SERVICE_FORMATS,
];

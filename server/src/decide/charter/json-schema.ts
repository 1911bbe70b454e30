// Editors complete and check charters by this JSON Schema. It is generated from the schema that the loader itself
// uses, and a test compares the committed file, so the two cannot drift apart.
import { z } from 'zod';
import { charterSchema } from './schema.ts';

/** The text of charters/charter.schema.json (JSON Schema draft 2020-12). */
export function charterJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(charterSchema, { io: 'input' }), null, 2)}\n`;
}

if (import.meta.main) process.stdout.write(charterJsonSchema());

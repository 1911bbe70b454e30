// The written shape of an executor: every key that any kind of it knows. Which of them belong together, no shape can say;
// executor.ts does.
import { z } from 'zod';
import { DURATION } from './units.ts';

const text = z.string().min(1).max(2_000);
const duration = z
  .string({ error: 'Write a duration as a number and a unit: 30s, 30m, 4h or 14d.' })
  .regex(DURATION, {
    error: 'This is no duration. Write a number and a unit: 30s, 30m, 4h or 14d.',
  });
const httpUrl = z.string().regex(/^https?:\/\/[^\s/@?#]+([/?#]\S*)?$/, {
  error: 'Write a full http(s) URL without user or password in it; name a secret under secret instead.',
});
const secretName = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, {
  error: 'Write the name of a secret, such as ci-token, never the secret itself.',
});

export const executorKeys = z.strictObject({
  command: z.array(text).min(1).optional().describe('Program and arguments, run without a shell.'),
  http: httpUrl.optional(),
  mcp: z
    .union([z.array(text).min(1), httpUrl])
    .optional()
    .describe('The command of an MCP server, or its URL.'),
  cwd: text.optional(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(4_096)).optional(),
  method: z
    .enum(['POST', 'PUT', 'PATCH', 'DELETE'], {
      error:
        'What the agent wants is sent as a body, which no other method carries. Write POST, PUT, PATCH or DELETE.',
    })
    .optional(),
  secret: secretName.optional(),
  allowPrivate: z.boolean().optional().describe('true: may reach private network addresses.'),
  timeout: duration.optional(),
  evals: z
    .boolean()
    .optional()
    .describe('true: cases of evals may run its actions. Only where it changes nothing outside.'),
});

export type WrittenExecutor = z.infer<typeof executorKeys>;

// What the resources of actions take, parsed once at the door: nothing is coerced and nothing unknown is let through.
import type { Json, JsonObject } from '@mandate/kernel';
import { z } from 'zod';
import {
  actionNameField,
  agentNameField,
  idempotencyKeyField,
  inOrder,
  limitField,
  lineField,
  momentField,
  nameField,
  reasonField,
} from '../../platform/http/fields.ts';
import type { ActView } from './view.ts';

const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'a JSON object',
);
const costUsd = z
  .number()
  .min(0)
  .max(1_000_000)
  .refine(
    (usd) => Math.abs(usd * 1e6 - Math.round(usd * 1e6)) < 1e-3,
    'at most 6 decimals: money is counted in micro-USD',
  );

export const actionBody = z.strictObject({
  agent: agentNameField,
  action: actionNameField,
  parameters: jsonObject.default({}),
  context: jsonObject.default({}),
  // A secret in one of these is no mistake of form: it is found, and holds the action.
  resource: z.strictObject({ type: lineField, id: lineField }).nullable().default(null),
  user: z.strictObject({ id: nameField }).nullable().default(null),
  onBehalfOf: lineField.nullable().default(null),
  estimatedCostUsd: costUsd.nullable().default(null),
  delegation: z.string().max(16_384).nullable().default(null),
  idempotencyKey: idempotencyKeyField.nullable().default(null),
  attach: z.boolean().default(false),
  run: nameField.nullable().default(null),
});
export type ActionBody = z.infer<typeof actionBody>;

const STATUSES = [
  'recorded',
  'success',
  'failed',
  'denied',
  'waiting_for_approval',
  'permitted',
  'executing',
  'cancelled',
  'expired',
  'unknown',
] as const satisfies readonly ActView['status'][];
export const PAGE = 50;
const PAGE_MAX = 200;
export const CURSOR = /^(\d{1,15})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export const listQuery = inOrder(
  z.strictObject({
    agent: nameField.optional(),
    status: z.enum(STATUSES).optional(),
    tier: z.enum(['green', 'yellow', 'red', 'black']).optional(),
    from: momentField.optional(),
    to: momentField.optional(),
    limit: limitField(PAGE_MAX).optional(),
    cursor: z.string().regex(CURSOR, 'must be the nextCursor of the page before').optional(),
  }),
);

export const outcomeBody = z
  .strictObject({
    permit: z.string().min(1).max(4_096),
    status: z.enum(['success', 'failed']),
    result: z.custom<Json>((value) => value !== undefined, 'any JSON value').optional(),
    error: z.string().max(20_000).optional(),
    costUsd: costUsd.optional(),
  })
  .refine((body) => !(body.status === 'success' && body.error !== undefined), {
    message: 'a success has no error',
    path: ['error'],
  });

export const reasonBody = z.strictObject({ reason: reasonField });

export const resolveBody = z.strictObject({
  status: z.enum(['success', 'failed']),
  result: z.custom<Json>((value) => value !== undefined, 'any JSON value').optional(),
  reason: reasonField,
});

// A browser sends no Authorization header by itself, so a page that needs a key takes one in a form. It opens just that
// page once: nothing is kept in the browser, and the key stands in no address.
import type { FastifyRequest } from 'fastify';
import { bodyOf } from '../http/read-call.ts';

export const FORM = 'application/x-www-form-urlencoded';
/** A key or a token in a form; each character may take three. */
export const FORM_MAX = 32_768;

/** The key that was typed; null where none was. */
export function keyOf(request: FastifyRequest): string | null {
  const key = new URLSearchParams(Buffer.from(bodyOf(request)).toString('utf8')).get('key')?.trim() ?? '';
  // Whatever is no header value is no key.
  return /^[\x21-\x7e]+$/.test(key) ? key : null;
}

/** The same request as if it had come with that key, so that it is proven like every other. */
export function withKey(request: FastifyRequest, key: string | null): FastifyRequest {
  if (key === null) return request;
  const keyed: FastifyRequest = Object.create(request, {
    headers: { value: { ...request.headers, authorization: `Bearer ${key}` } },
  });
  return keyed;
}

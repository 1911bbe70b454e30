// A web page can have its own host name point to this machine and then ask as if it were one of its own (DNS
// rebinding). It betrays itself by the name that it asks for, or by the origin that the browser adds.
import type { FastifyRequest } from 'fastify';

const LOOPBACK_NAME = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/** Whether a request carries the marks of a proxy, which may speak from this machine for the whole world. */
export function isForwarded({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return FORWARDING.some((name) => name in headers);
}

export function isLoopbackName(host: string | undefined): boolean {
  return LOOPBACK_NAME.test(host ?? '');
}

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

/**
 * Whether what comes from this machine asks for this server by a name of its own: loopback, or the host of its public
 * URL. From elsewhere any name may be right. Marks of a proxy excuse nothing: a page can write them too, and a proxy on
 * this machine has a public URL to be configured with.
 */
export function asksByOwnName(request: FastifyRequest, publicUrl: string): boolean {
  if (!isLoopbackAddress(request.ip)) return true;
  const own = new URL(publicUrl).host;
  const isOwn = (host: string | undefined): boolean => isLoopbackName(host) || host === own;
  const { host, origin } = request.headers;
  return isOwn(host) && (origin === undefined || isOwn(hostOf(origin)));
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

// A server that calls URLs on request is a way into its own network. Names are therefore resolved here, every address is
// checked, and the connection is made to exactly the address that was checked, so that a name which changes its answer
// between check and connect (DNS rebinding) gains nothing.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { buildConnector } from 'undici';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Finds every address of a host name. Tests hand in their own. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

/** Refused before anything was sent. */
export class AddressRefused extends Error {
  readonly code = 'MANDATE_ADDRESS_REFUSED';
}

/** The system's resolver, hosts file included. */
export async function resolveBySystem(hostname: string): Promise<readonly Address[]> {
  const found = await lookup(hostname, { all: true, verbatim: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

/**
 * Whether an address belongs to the public internet. IPv4: everything but the special-purpose blocks of the IANA
 * registry (RFC 6890 and successors). IPv6: only global unicast 2000::/3, without the blocks that embed or reroute
 * (Teredo, ORCHID, 6to4, documentation); v4-mapped, NAT64, unique local, link-local and multicast lie outside of it.
 */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !specialIpv4.check(address, 'ipv4');
  if (version === 6 && !address.includes('%')) {
    return globalIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6');
  }
  return false;
}

/** The addresses a connection to `hostname` may use; throws AddressRefused unless every one of them is allowed. */
export async function allowedAddresses(
  hostname: string,
  { allowPrivate, resolve }: { readonly allowPrivate: boolean; readonly resolve: Resolve },
): Promise<readonly Address[]> {
  const bare = hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
  const version = isIP(bare);
  const found =
    version === 0 ? await resolve(bare) : [{ address: bare, family: version === 6 ? 6 : 4 } as const];
  if (found.length === 0) throw new AddressRefused(`${hostname} has no address`);
  for (const { address } of found) {
    if (isIP(address) === 0) throw new AddressRefused(`${hostname} resolves to something that is no address`);
    if (!allowPrivate && !isPublicAddress(address)) {
      throw new AddressRefused(
        `${hostname} resolves to ${address}, which is not on the public internet; set "allowPrivate: true" on the executor if it is meant`,
      );
    }
  }
  return found;
}

export interface GuardNeeds {
  readonly allowPrivate: boolean;
  readonly resolve: Resolve;
  /** Called when a connection stands: from then on bytes may have left. */
  readonly onConnected?: () => void;
  /** Once aborted no connection is begun, however late the resolver answers. */
  readonly signal?: AbortSignal;
}

/** An undici connector that resolves, checks and pins. TLS still verifies the certificate against the host name. */
export function createGuardedConnector(needs: GuardNeeds): buildConnector.connector {
  return (options, callback) => {
    void answerWith(connectChecked(options, needs), callback);
  };
}

/** undici's connectors answer by callback. */
async function answerWith(connected: Promise<Socket>, callback: buildConnector.Callback): Promise<void> {
  let socket;
  try {
    socket = await connected;
  } catch (error) {
    callback(error instanceof Error ? error : new Error(String(error)), null);
    return;
  }
  callback(null, socket);
}

type Socket = Extract<Parameters<buildConnector.Callback>, readonly [null, unknown]>[1];

async function connectChecked(options: buildConnector.Options, needs: GuardNeeds): Promise<Socket> {
  const allowed = await allowedAddresses(options.hostname, needs);
  if (needs.signal?.aborted === true) throw new Error('cut off before the connection');
  const connect = buildConnector({ allowH2: false, lookup: pinnedLookup(allowed) });
  const socket = await new Promise<Socket>((resolve, reject) => {
    connect(options, (error, made) => (error === null ? resolve(made) : reject(error)));
  });
  // Belt and braces: the far end must be one of the addresses that were checked.
  if (!allowed.some(({ address }) => isSameAddress(address, socket.remoteAddress))) {
    socket.destroy();
    throw new AddressRefused(`${options.hostname} was connected at an address that was not checked`);
  }
  needs.onConnected?.();
  return socket;
}

function pinnedLookup(allowed: readonly Address[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = allowed;
    if (first === undefined) callback(new AddressRefused('no address'), '', 4);
    else if (options.all === true) callback(null, [...allowed]);
    else callback(null, first.address, first.family);
  };
}

function isSameAddress(allowed: string, remote: string | undefined): boolean {
  if (remote === undefined) return false;
  const list = new BlockList();
  list.addAddress(allowed, isIP(allowed) === 6 ? 'ipv6' : 'ipv4');
  return list.check(remote, isIP(remote) === 6 ? 'ipv6' : 'ipv4');
}

function blocks(family: 'ipv4' | 'ipv6', subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net = '', prefix = ''] = subnet.split('/');
    list.addSubnet(net, Number(prefix), family);
  }
  return list;
}

// IANA IPv4 and IPv6 Special-Purpose Address Registries, and multicast.
const specialIpv4 = blocks('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]);
const globalIpv6 = blocks('ipv6', ['2000::/3']);
const specialIpv6 = blocks('ipv6', [
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
]);

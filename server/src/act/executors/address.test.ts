import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressRefused, allowedAddresses, createGuardedConnector, isPublicAddress } from './address.ts';
import type { Address } from './address.ts';
import { serveHttp } from './kit.test.ts';

const refused = [
  ['loopback', '127.0.0.1'],
  ['all of 127/8', '127.255.255.254'],
  ['this host', '0.0.0.0'],
  ['private 10/8', '10.1.2.3'],
  ['private 172.16/12', '172.31.255.255'],
  ['private 192.168/16', '192.168.0.1'],
  ['carrier-grade NAT', '100.64.0.1'],
  ['cloud metadata', '169.254.169.254'],
  ['benchmarking', '198.18.0.1'],
  ['documentation', '203.0.113.7'],
  ['6to4 relay', '192.88.99.1'],
  ['multicast', '224.0.0.1'],
  ['reserved', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['IPv6 unspecified', '::'],
  ['IPv6 loopback', '::1'],
  ['v4-mapped loopback', '::ffff:127.0.0.1'],
  ['v4-mapped public address', '::ffff:8.8.8.8'],
  ['v4-mapped in hexadecimal', '::ffff:7f00:1'],
  ['v4-compatible', '::127.0.0.1'],
  ['NAT64', '64:ff9b::7f00:1'],
  ['local NAT64', '64:ff9b:1::1'],
  ['6to4 of 127.0.0.1', '2002:7f00:1::'],
  ['Teredo', '2001::1'],
  ['documentation, IPv6', '2001:db8::1'],
  ['newer documentation block', '3fff::1'],
  ['unique local', 'fd00::1'],
  ['link-local', 'fe80::1'],
  ['link-local with a zone', 'fe80::1%eth0'],
  ['site-local', 'fec0::1'],
  ['multicast, IPv6', 'ff02::1'],
  ['cloud metadata, IPv6', 'fd00:ec2::254'],
  ['a host name', 'localhost'],
  ['nothing', ''],
] as const;

test('no address of a private, local or translating network counts as public', () => {
  assert.deepEqual(
    refused.filter(([, address]) => isPublicAddress(address)),
    [],
  );
});

test('ordinary addresses of the internet count as public', () => {
  const addresses = [
    '8.8.8.8',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450::1',
  ];
  assert.deepEqual(
    addresses.filter((address) => !isPublicAddress(address)),
    [],
  );
});

test('an IPv4 address is never public in a disguise of IPv6', () => {
  fc.assert(
    fc.property(fc.ipV4(), (v4) => {
      const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number);
      const high = ((a << 8) | b).toString(16);
      const low = ((c << 8) | d).toString(16);
      const disguises = [
        `::ffff:${v4}`,
        `::${v4}`,
        `64:ff9b::${v4}`,
        `2002:${high}:${low}::1`,
        `::ffff:0:${v4}`,
      ];
      return disguises.every((address) => !isPublicAddress(address));
    }),
  );
});

test('a name is refused when any one of its addresses is private, has none, or is no address', async () => {
  const to = (...addresses: readonly string[]) =>
    allowedAddresses('ci.example', {
      allowPrivate: false,
      resolve: async () =>
        addresses.map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 })),
    });
  await assert.rejects(to('8.8.8.8', '10.0.0.1'), AddressRefused);
  await assert.rejects(to(), AddressRefused);
  await assert.rejects(to('evil.example'), AddressRefused);
  assert.deepEqual(await to('8.8.8.8'), [{ address: '8.8.8.8', family: 4 }]);
});

test('an address written in the URL is checked like a resolved one, without asking the resolver', async () => {
  const resolve = () => Promise.reject(new Error('asked'));
  // What the URL parser makes of 0x7f.1 and 2130706433.
  await assert.rejects(
    allowedAddresses(new URL('http://0x7f.1/').hostname, { allowPrivate: false, resolve }),
    AddressRefused,
  );
  await assert.rejects(
    allowedAddresses(new URL('http://2130706433/').hostname, { allowPrivate: false, resolve }),
    AddressRefused,
  );
  await assert.rejects(allowedAddresses('[::1]', { allowPrivate: false, resolve }), AddressRefused);
  assert.deepEqual(await allowedAddresses('[::1]', { allowPrivate: true, resolve }), [
    { address: '::1', family: 6 },
  ]);
});

test('a resolver that answers after the cut does not lead to a connection', async (t) => {
  const service = await serveHttp(t, (_request, response) => response.end());
  const stop = new AbortController();
  const resolve = async () => {
    stop.abort();
    return [{ address: '127.0.0.1', family: 4 }] as const;
  };
  const connect = createGuardedConnector({ allowPrivate: true, resolve, signal: stop.signal });
  const error = await new Promise((settle) => {
    connect({ hostname: 'ci.invalid', protocol: 'http:', port: String(service.port) }, (...args) =>
      settle(args[0]),
    );
  });
  assert.match(String(error), /cut off before the connection/);
  assert.equal(service.connections(), 0);
});

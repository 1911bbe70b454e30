// Some providers put a checksum into their tokens so that a scanner can be certain without asking them. A right
// checksum is proof; a wrong one is no acquittal, since a token with one character changed still gives most of it away.

/**
 * `crc32_base62`: the last 6 characters are the CRC-32 of the rest of the body in base 62 (GitHub, npm).
 * `crc32_grafana`: after the last `_`, the CRC-32 of all before it as little-endian hexadecimal bytes.
 * `bech32`: BIP 173 over the whole token (age, Nostr).
 */
export type Checksum = 'crc32_base62' | 'crc32_grafana' | 'bech32';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR: readonly number[] = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CRC_TABLE: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** Whether `prefix + body` carries the right checksum. */
export function hasChecksum(kind: Checksum, prefix: string, body: string): boolean {
  switch (kind) {
    case 'crc32_base62':
      return body.length > 6 && checksumBase62(body.slice(0, -6)) === body.slice(-6);
    case 'crc32_grafana': {
      const cut = body.lastIndexOf('_');
      return cut > 0 && checksumGrafana(prefix + body.slice(0, cut)) === body.slice(cut + 1).toLowerCase();
    }
    case 'bech32':
      return verifyBech32((prefix + body).toLowerCase());
  }
}

/** CRC-32 (IEEE 802.3) of ASCII text, unsigned. */
export function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i += 1) {
    crc = (CRC_TABLE[(crc ^ text.charCodeAt(i)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** CRC-32 in base 62 with digits, upper case, lower case, padded to 6 (GitHub blog, 2021-04-05). */
export function checksumBase62(text: string): string {
  let rest = crc32(text);
  let out = '';
  for (let i = 0; i < 6; i += 1) {
    out = (BASE62[rest % 62] ?? '') + out;
    rest = Math.floor(rest / 62);
  }
  return out;
}

/** CRC-32 as four little-endian bytes in hexadecimal (grafana/grafana, pkg/components/satokengen). */
export function checksumGrafana(text: string): string {
  const crc = crc32(text);
  return [0, 8, 16, 24].map((shift) => ((crc >>> shift) & 0xff).toString(16).padStart(2, '0')).join('');
}

/** The six characters that complete a bech32 string of human-readable part `hrp` (BIP 173). */
export function checksumBech32(hrp: string, data: string): string {
  const value = polymod([...expand(hrp), ...digits(data), 0, 0, 0, 0, 0, 0]) ^ 1;
  return [25, 20, 15, 10, 5, 0].map((shift) => BECH32[(value >>> shift) & 31] ?? '').join('');
}

function verifyBech32(text: string): boolean {
  const cut = text.lastIndexOf('1');
  return cut > 0 && polymod([...expand(text.slice(0, cut)), ...digits(text.slice(cut + 1))]) === 1;
}

function expand(hrp: string): readonly number[] {
  const codes = Array.from(hrp, (char) => char.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function digits(data: string): readonly number[] {
  return Array.from(data, (char) => BECH32.indexOf(char));
}

function polymod(values: readonly number[]): number {
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    for (const [i, term] of GENERATOR.entries()) if ((top >>> i) & 1) check ^= term;
  }
  return check;
}

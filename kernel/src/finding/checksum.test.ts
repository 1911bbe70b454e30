import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksumBech32, checksumGrafana, crc32, hasChecksum } from './checksum.ts';

const HEX = 'd8f1c0a95b7e4f32a6c8e1907b3d5f24';
const ALNUM = 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5bC7d';

test('checksums agree with their published vectors', () => {
  assert.equal(crc32('123456789'), 0xcbf43926);
  const data = 'a'.repeat(52);
  assert.ok(
    hasChecksum(
      'bech32',
      'age-secret-key-1',
      data.replaceAll('a', 'q') + checksumBech32('age-secret-key-', 'q'.repeat(52)),
    ),
  );
  // The valid test vector of BIP 173 with the longest data part that the alphabet allows in one line.
  assert.ok(hasChecksum('bech32', 'A1', '2UEL5L'));
  assert.ok(!hasChecksum('bech32', 'A1', '2UEL5M'));
  const body = `${HEX}_${checksumGrafana(`glsa_${HEX}`)}`;
  assert.ok(hasChecksum('crc32_grafana', 'glsa_', body));
  assert.ok(!hasChecksum('crc32_base62', 'ghp_', ALNUM.slice(0, 36)));
});

// What a button in a chat carries back to us. Chats keep it as text, and whoever holds our token for a chat could send
// buttons of their own; so it is bound by an HMAC to tenant, approval, digest, decision and person, and says no more.
// 64 characters are what Telegram lets a button carry (https://core.telegram.org/bots/api#inlinekeyboardbutton).
import { deriveKey } from '../../platform/crypto/derive.ts';
import { hmacKey, hmacSha256, isEqualSecret, sha256Hex } from '../../platform/crypto/hash.ts';
import type { MasterKeys } from '../../platform/crypto/master-key.ts';

export type Verdict = 'approve' | 'deny';

/** What a button asks for. */
export interface ButtonMeaning {
  readonly tenant: string;
  readonly approvalId: string;
  /** Of what is shown above the button. */
  readonly digest: string;
  readonly decision: Verdict;
  /** The only person for whom it works; null where a whole channel sees it. */
  readonly user: string | null;
}

export interface ReadButton {
  readonly approvalId: string;
  readonly decision: Verdict;
  readonly user: string | null;
  /** Whether it was made for exactly this digest. */
  isFor(digest: string): boolean;
}

export interface Buttons {
  /** 64 characters of base64url. */
  valueFor(meaning: ButtonMeaning): string;
  /** null when it is none of ours, was changed, or was made for somebody else. */
  read(value: string, presser: { readonly tenant: string; readonly user: string }): ReadButton | null;
}

const ID_BYTES = 16;
const DIGEST_BYTES = 15;
const MAC_BYTES = 16;
const SIGNED_BYTES = ID_BYTES + 1 + DIGEST_BYTES;
const APPROVE = 1;
const DENY = 2;

export function createButtons(masterKeys: MasterKeys): Buttons {
  const secrets = masterKeys.all.map((key) => hmacKey(deriveKey(key, 'channel-button')));
  const [current] = secrets;

  return {
    valueFor({ tenant, approvalId, digest, decision, user }) {
      if (current === undefined) throw new Error('There is no master key for channel-button.');
      const signed = Buffer.concat([
        Buffer.from(approvalId.replaceAll('-', ''), 'hex'),
        Buffer.of(decision === 'approve' ? APPROVE : DENY),
        shortDigest(digest),
      ]);
      return Buffer.concat([signed, macOf(current, signed, { tenant, user })]).toString('base64url');
    },
    read(value, { tenant, user }) {
      if (!/^[A-Za-z0-9_-]{64}$/.test(value)) return null;
      const bytes = Buffer.from(value, 'base64url');
      const signed = bytes.subarray(0, SIGNED_BYTES);
      const mac = bytes.subarray(SIGNED_BYTES);
      const holder = [user, null].find((each) =>
        secrets.some((secret) => isEqualSecret(macOf(secret, signed, { tenant, user: each }), mac)),
      );
      if (holder === undefined) return null;
      const code = signed[ID_BYTES];
      if (code !== APPROVE && code !== DENY) return null;
      const made = signed.subarray(ID_BYTES + 1);
      return {
        approvalId: uuidOf(signed.subarray(0, ID_BYTES)),
        decision: code === APPROVE ? 'approve' : 'deny',
        user: holder,
        isFor: (digest) => isEqualSecret(shortDigest(digest), made),
      };
    },
  };
}

type Secret = ReturnType<typeof hmacKey>;

function macOf(
  secret: Secret,
  signed: Uint8Array,
  { tenant, user }: Pick<ButtonMeaning, 'tenant' | 'user'>,
): Uint8Array {
  // A length before each name, or two pairs of names could be one text.
  const holder = user === null ? '-' : `${user.length}:${user}`;
  return hmacSha256(secret, `${tenant.length}:${tenant}/${holder}/`, signed).subarray(0, MAC_BYTES);
}

/** 120 bits: nobody finds another subject with the same ones. */
function shortDigest(digest: string): Uint8Array {
  return Buffer.from(sha256Hex(digest), 'hex').subarray(0, DIGEST_BYTES);
}

function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

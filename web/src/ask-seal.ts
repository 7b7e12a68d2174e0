// Requests for secrets: the key pair of who asks, the two links, and answers sealed for it. The format is fixed
// (docs/adr/0026); whoever reads it elsewhere must find the bytes of tests/web/answered.json.
//
//   link to answer   /r#1 KEY-AND-CHECK IDENTIFIER
//                    KEY-AND-CHECK  92 base64url characters: 64 bytes of public key, then the first 5 bytes of
//                                   SHA-256("nacre ask 1" 00 public identifier)
//   pickup link      /ask#1 KEYS-AND-CHECK IDENTIFIER . PICKUP-KEY
//                    KEYS-AND-CHECK 136 base64url characters: 32 bytes of private key, 64 of public key, then the
//                                   first 6 bytes of SHA-256("nacre pickup 1" 00 private public identifier . pickup key)
//   public key       x and y of a point of P-256, which every browser has; X25519 is not in all of them yet
//   sealed           nacre-answer1. base64url(ephemeral public key[64] AES-256-GCM(key, nonce, padded text, aad
//                    "nacre answer 1") tag[16])
//   key[32] nonce[12]  HKDF-SHA-256(x of ECDH, salt: ephemeral and asked public key, info: "nacre answer 1" 00 identifier)
//   padded           as in seal.ts
//
// Of neither link anything behind '#' is sent by these pages; the server sees neither key.

import { base64url, type Bytes, fromBase64url, isIdentifier, joined, type LinkFault, padded, unpadded } from './seal';

const linkVersion = '1';
const sealedPrefix = 'nacre-answer1.';
const publicBytes = 64;
const privateBytes = 32;
const askCheckBytes = 5;
const pickupCheckBytes = 6;
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const padTo = 64;
const curve = { name: 'ECDH', namedCurve: 'P-256' };
const utf8 = new TextEncoder();
const boundTo = utf8.encode('nacre answer 1');

export interface AskLink {
  identifier: string;
  publicKey: Bytes;
}

export interface PickupLink extends AskLink {
  pickupKey: string;
  privateKey: Bytes;
}

export interface KeyPair {
  publicKey: Bytes;
  privateKey: Bytes;
}

// The longest text, in bytes, whose sealed form a server takes that takes `most` bytes.
export function longestAnswer(most: number): number {
  const sealed = Math.floor(((most - sealedPrefix.length) * 3) / 4) - publicBytes - tagBytes;
  return Math.max(0, Math.floor(sealed / padTo) * padTo - 1);
}

function coordinates(publicKey: Bytes): JsonWebKey {
  return { kty: 'EC', crv: 'P-256', x: base64url(publicKey.subarray(0, 32)), y: base64url(publicKey.subarray(32)) };
}

async function publicKeyOf(bytes: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', joined(Uint8Array.of(4), bytes), curve, false, []);
}

async function privateKeyOf(pair: KeyPair): Promise<CryptoKey> {
  const jwk = { ...coordinates(pair.publicKey), d: base64url(pair.privateKey) };
  return crypto.subtle.importKey('jwk', jwk, curve, false, ['deriveBits']);
}

async function rawPublic(key: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.exportKey('raw', key)).slice(1);
}

export async function freshPair(): Promise<KeyPair> {
  const pair = (await crypto.subtle.generateKey(curve, true, ['deriveBits'])) as CryptoKeyPair;
  const { d } = await crypto.subtle.exportKey('jwk', pair.privateKey);
  return { publicKey: await rawPublic(pair.publicKey), privateKey: fromBase64url(d!)! };
}

// The key and nonce of one answer: the ephemeral pair is made for one text, so they are used once.
async function cipherOf(mine: CryptoKey, theirs: CryptoKey, ephemeral: Bytes, asked: Bytes, identifier: string) {
  const shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: theirs }, mine, 256);
  const secret = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveBits']);
  const info = utf8.encode(`nacre answer 1\0${identifier}`);
  const kdf = { name: 'HKDF', hash: 'SHA-256', salt: joined(ephemeral, asked), info };
  const both = new Uint8Array(await crypto.subtle.deriveBits(kdf, secret, (keyBytes + nonceBytes) * 8));
  const key = await crypto.subtle.importKey('raw', both.slice(0, keyBytes), 'AES-GCM', false, ['encrypt', 'decrypt']);
  const algorithm: AesGcmParams = { name: 'AES-GCM', iv: both.slice(keyBytes), additionalData: boundTo, tagLength: tagBytes * 8 };
  return { key, algorithm };
}

export async function sealFor(link: AskLink, text: string): Promise<string> {
  const pair = (await crypto.subtle.generateKey(curve, false, ['deriveBits'])) as CryptoKeyPair;
  const ephemeral = await rawPublic(pair.publicKey);
  const { key, algorithm } = await cipherOf(pair.privateKey, await publicKeyOf(link.publicKey), ephemeral, link.publicKey, link.identifier);
  const bytes = padded(text);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, bytes));
  bytes.fill(0);
  return sealedPrefix + base64url(joined(ephemeral, sealed));
}

// Null: it was sealed for another key or request, or is not what was sealed.
export async function openAnswer(link: PickupLink, sealed: string): Promise<string | null> {
  const bytes = sealed.startsWith(sealedPrefix) ? fromBase64url(sealed.slice(sealedPrefix.length)) : null;
  if (!bytes || bytes.length < publicBytes + tagBytes) return null;
  const ephemeral = bytes.slice(0, publicBytes);
  try {
    const { key, algorithm } = await cipherOf(await privateKeyOf(link), await publicKeyOf(ephemeral), ephemeral, link.publicKey, link.identifier);
    return unpadded(new Uint8Array(await crypto.subtle.decrypt(algorithm, key, bytes.slice(publicBytes))));
  } catch {
    return null;
  }
}

async function checkOf(label: string, size: number, ...parts: Uint8Array[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', joined(utf8.encode(`${label}\0`), ...parts))).slice(0, size);
}

const askCheck = (publicKey: Bytes, identifier: string) => checkOf('nacre ask 1', askCheckBytes, publicKey, utf8.encode(identifier));
const pickupCheck = (keys: Bytes, names: string) => checkOf('nacre pickup 1', pickupCheckBytes, keys, utf8.encode(names));

// What stands behind '#'.
export async function askFragment(link: AskLink): Promise<string> {
  return linkVersion + base64url(joined(link.publicKey, await askCheck(link.publicKey, link.identifier))) + link.identifier;
}

export async function pickupFragment(link: PickupLink): Promise<string> {
  const keys = joined(link.privateKey, link.publicKey);
  const names = `${link.identifier}.${link.pickupKey}`;
  return linkVersion + base64url(joined(keys, await pickupCheck(keys, names))) + names;
}

// The bytes in front and the names behind them, if the check fits.
async function parts(fragment: string, size: number, checkBytes: number, check: (keys: Bytes, names: string) => Promise<Bytes>): Promise<[Bytes, string] | LinkFault> {
  const text = fragment.trim().replace(/^#/, '');
  if (text === '') return 'missing';
  if (text[0] !== linkVersion) return /^[2-9]/.test(text) ? 'newer' : 'damaged';
  const chars = ((size + checkBytes) / 3) * 4;
  const bytes = fromBase64url(text.slice(1, 1 + chars));
  if (!bytes || bytes.length !== size + checkBytes) return 'damaged';
  const keys = bytes.slice(0, size);
  const names = text.slice(1 + chars);
  const right = await check(keys, names);
  return right.every((byte, i) => byte === bytes[size + i]) ? [keys, names] : 'damaged';
}

// Both judge a link without asking anybody: one that lost or changed a character is found here.
export async function readAskFragment(fragment: string): Promise<AskLink | LinkFault> {
  const read = await parts(fragment, publicBytes, askCheckBytes, askCheck);
  if (typeof read === 'string') return read;
  const [publicKey, identifier] = read;
  if (!isIdentifier(identifier)) return 'damaged';
  return publicKeyOf(publicKey).then(() => ({ identifier, publicKey }), () => 'damaged' as const);
}

export async function readPickupFragment(fragment: string): Promise<PickupLink | LinkFault> {
  const read = await parts(fragment, privateBytes + publicBytes, pickupCheckBytes, pickupCheck);
  if (typeof read === 'string') return read;
  const [keys, names] = read;
  const [identifier = '', pickupKey = '', ...more] = names.split('.');
  if (more.length > 0 || !isIdentifier(identifier) || !isIdentifier(pickupKey)) return 'damaged';
  const link = { identifier, pickupKey, privateKey: keys.slice(0, privateBytes), publicKey: keys.slice(privateBytes) };
  return privateKeyOf(link).then(() => link, () => 'damaged' as const);
}

// What is sealed in a browser, and the link that opens it. The format is fixed (docs/adr/0017); whoever reads it
// elsewhere must find the bytes of tests/web/sealed.json.
//
//   link      /s#1 KEY-AND-CHECK IDENTIFIER
//             KEY-AND-CHECK  48 base64url characters: 32 bytes of key, then the first 4 bytes of
//                            SHA-256("nacre link 1" 00 key identifier)
//             IDENTIFIER     of the secret that holds the sealed text
//   sealed    nacre1. base64url(nonce[12] AES-256-GCM(key, nonce, padded text, aad "nacre text 1") tag[16])
//   padded    the text's UTF-8, 80, then 00 up to a multiple of 64: its length is told in steps only
//
// A key is made for one text. Of the link nothing behind '#' is sent by these pages; what a browser does with the list of
// pages visited, where the link stays, is its own (docs/security-model.md).

const linkVersion = '1';
const sealedPrefix = 'nacre1.';
const keyBytes = 32;
const checkBytes = 4;
const keyAndCheckChars = ((keyBytes + checkBytes) / 3) * 4;
const nonceBytes = 12;
const tagBytes = 16;
const padTo = 64;
const utf8 = new TextEncoder();
const identifierShape = /^[A-Za-z0-9_-]{20,128}$/;

export type Bytes = Uint8Array<ArrayBuffer>;

export interface SealedLink {
  identifier: string;
  key: Bytes;
}

export type LinkFault = 'missing' | 'damaged' | 'newer';

// False over plain http: browsers give WebCrypto to https and to one's own machine only.
export function canSeal(): boolean {
  return typeof globalThis.crypto?.subtle?.encrypt === 'function';
}

// The longest text, in bytes, whose sealed form a server takes that takes `most` bytes.
export function longestText(most: number): number {
  const sealed = Math.floor(((most - sealedPrefix.length) * 3) / 4) - nonceBytes - tagBytes;
  return Math.max(0, Math.floor(sealed / padTo) * padTo - 1);
}

export function byteLength(text: string): number {
  return utf8.encode(text).length;
}

export function isSealed(text: string): boolean {
  return text.startsWith(sealedPrefix) && /^[A-Za-z0-9_-]+$/.test(text.slice(sealedPrefix.length));
}

export function isIdentifier(text: string): boolean {
  return identifierShape.test(text);
}

export function base64url(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export function fromBase64url(text: string): Bytes | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

export function joined(...parts: Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function checkOf(key: Uint8Array, identifier: string): Promise<Bytes> {
  const told = joined(utf8.encode('nacre link 1\0'), key, utf8.encode(identifier));
  return new Uint8Array(await crypto.subtle.digest('SHA-256', told)).slice(0, checkBytes);
}

export function padded(text: string): Bytes {
  const bytes = utf8.encode(text);
  const out = new Uint8Array(Math.ceil((bytes.length + 1) / padTo) * padTo);
  out.set(bytes);
  out[bytes.length] = 0x80;
  return out;
}

export function unpadded(bytes: Uint8Array): string | null {
  let end = bytes.length - 1;
  while (end >= 0 && bytes[end] === 0) --end;
  if (end < 0 || bytes[end] !== 0x80) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end));
  } catch {
    return null;
  }
}

const boundTo = utf8.encode('nacre text 1');

function cipher(nonce: Bytes): AesGcmParams {
  return { name: 'AES-GCM', iv: nonce, additionalData: boundTo, tagLength: tagBytes * 8 };
}

export function freshKey(): Bytes {
  return crypto.getRandomValues(new Uint8Array(keyBytes));
}

export async function seal(text: string, key: Bytes): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
  const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const bytes = padded(text);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher(nonce), aes, bytes));
  bytes.fill(0);
  return sealedPrefix + base64url(joined(nonce, sealed));
}

// Null: the key does not fit, or what came is not what was sealed.
export async function open(sealed: string, key: Bytes): Promise<string | null> {
  if (!isSealed(sealed)) return null;
  const bytes = fromBase64url(sealed.slice(sealedPrefix.length));
  if (!bytes || bytes.length < nonceBytes + tagBytes) return null;
  try {
    const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
    const plain = await crypto.subtle.decrypt(cipher(bytes.slice(0, nonceBytes)), aes, bytes.slice(nonceBytes));
    return unpadded(new Uint8Array(plain));
  } catch {
    return null;
  }
}

// What stands behind '#'.
export async function fragmentOf(link: SealedLink): Promise<string> {
  return linkVersion + base64url(joined(link.key, await checkOf(link.key, link.identifier))) + link.identifier;
}

// Judges a link without asking anybody: one that lost or changed a character is found here, before a secret is used up.
export async function readFragment(fragment: string): Promise<SealedLink | LinkFault> {
  const text = fragment.trim().replace(/^#/, '');
  if (text === '') return 'missing';
  if (text[0] !== linkVersion) return /^[2-9]/.test(text) ? 'newer' : 'damaged';
  const bytes = fromBase64url(text.slice(1, 1 + keyAndCheckChars));
  const identifier = text.slice(1 + keyAndCheckChars);
  if (!bytes || bytes.length !== keyBytes + checkBytes || !isIdentifier(identifier)) return 'damaged';
  const key = bytes.slice(0, keyBytes);
  const check = await checkOf(key, identifier);
  return check.every((byte, i) => byte === bytes[keyBytes + i]) ? { identifier, key } : 'damaged';
}

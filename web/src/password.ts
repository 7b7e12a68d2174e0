// A made-up password: letters and digits that nobody mistakes for one another, evenly drawn.

const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const passwordChars = 24; // about 139 bits

export function madeUpPassword(): string {
  const fair = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < passwordChars) {
    for (const byte of crypto.getRandomValues(new Uint8Array(passwordChars))) {
      if (byte < fair && text.length < passwordChars) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}

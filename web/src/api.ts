// The calls of a guest (docs/api.md, "One-time secrets"), and what became of each.

import { type Answer, send } from './wire';

export { type Answer, clockError, type Refusal, serverNow, untilKnown, worthRetrying } from './wire';

export interface SecretRecord {
  record: { has_passphrase: 'true' | 'false'; secret_value?: string };
}

export type ReceiptState = 'new' | 'previewed' | 'revealed' | 'burned' | 'expired' | 'orphaned';

export interface ReceiptAnswer {
  record: {
    state: ReceiptState;
    created: number;
    updated: number;
    expiration: number;
    revealed: string | null;
    burned: string | null;
    has_passphrase: boolean;
  };
  details: { first_access: number | null; secret_realttl: number | null };
}

interface Concealed {
  record: { secret: { identifier: string; secret_ttl: string }; receipt: { identifier: string; created: number } };
}

const base = '/api/v2/guest';

function call<T>(verb: string, path: string, body?: unknown, headers: Record<string, string> = {}, keepalive = false): Promise<Answer<T>> {
  return send(verb, base + path, { body, headers, keepalive });
}

export function conceal(secret: string, lifetimeSeconds: number, passphrase: string): Promise<Answer<Concealed>> {
  const asked = { secret, ttl: lifetimeSeconds, ...(passphrase === '' ? {} : { passphrase }) };
  return call('POST', '/secret/conceal', { secret: asked });
}

export function look(identifier: string): Promise<Answer<SecretRecord>> {
  return call('GET', `/secret/${identifier}`);
}

export function reveal(identifier: string, passphrase: string, retryKey: string): Promise<Answer<SecretRecord>> {
  return call('POST', `/secret/${identifier}/reveal`, { passphrase, continue: 'true' }, { 'Idempotency-Key': retryKey });
}

// The value has arrived: from here on not even the retry key opens the secret. Outlives the page.
export function confirm(identifier: string, retryKey: string): Promise<Answer<void>> {
  return call('DELETE', `/secret/${identifier}/reveal`, undefined, { 'Idempotency-Key': retryKey }, true);
}

export function receipt(identifier: string): Promise<Answer<ReceiptAnswer>> {
  return call('GET', `/receipt/${identifier}`);
}

export function burn(identifier: string, passphrase: string): Promise<Answer<unknown>> {
  return call('POST', `/receipt/${identifier}/burn`, { passphrase, continue: 'true' });
}

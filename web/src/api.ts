// The calls of a guest (docs/api.md, "One-time secrets"), and what became of each.

export type Answer<T> =
  | { kind: 'ok'; body: T }
  | { kind: 'refused'; status: number; message: string; code: string; waitSeconds: number; limit: string }
  | { kind: 'lost' }; // no answer, or none of nacre's: whether the call had an effect is not known

export type Refusal = Extract<Answer<never>, { kind: 'refused' }>;

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

const answerWithinMs = 12_000;
const base = '/api/v2/guest';

// Server's time minus this device's, in milliseconds; null before the first answer.
let clockOffsetMs: number | null = null;

export function serverNow(): number {
  return Date.now() + (clockOffsetMs ?? 0);
}

// By how many milliseconds this device's clock is wrong, when it is worth telling.
export function clockError(): number | null {
  return clockOffsetMs !== null && Math.abs(clockOffsetMs) > 120_000 ? Math.abs(clockOffsetMs) : null;
}

// Answers that say "not now" of a call that may be made again.
const passing = new Set([408, 500, 502, 503, 504]);

export function worthRetrying(answer: Answer<unknown>): boolean {
  return answer.kind === 'lost' || (answer.kind === 'refused' && passing.has(answer.status));
}

async function call<T>(verb: string, path: string, body?: unknown, more: Record<string, string> = {}, keepalive = false): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: 'application/json', ...more };
  const init: RequestInit = { method: verb, headers, keepalive, cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer' };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), answerWithinMs);
  try {
    const response = await fetch(base + path, { ...init, signal: patience.signal });
    const date = Date.parse(response.headers.get('Date') ?? '');
    if (!Number.isNaN(date)) clockOffsetMs = date + 500 - Date.now();
    if (response.status === 204) return { kind: 'ok', body: undefined as T };
    const told = (await response.json()) as Record<string, unknown>;
    if (response.ok) return { kind: 'ok', body: told as T };
    return {
      kind: 'refused',
      status: response.status,
      message: String(told.message ?? ''),
      code: String(told.code ?? ''),
      waitSeconds: Number(response.headers.get('Retry-After') ?? told.retry_after ?? 1) || 1,
      limit: /^"([a-z_-]+)"/.exec(response.headers.get('RateLimit-Policy') ?? '')?.[1] ?? '',
    };
  } catch {
    return { kind: 'lost' };
  } finally {
    clearTimeout(timer);
  }
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

// Waits, but no longer than until the network is back.
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
  });
}

// Asks again while nobody knows what became of the call, for `forMs` at most; `again` runs before every further try.
export async function untilKnown<T>(ask: () => Promise<Answer<T>>, forMs: number, again: () => void = () => {}): Promise<Answer<T>> {
  const end = performance.now() + forMs;
  for (let waitMs = 400; ; waitMs = Math.min(waitMs * 2, 4_000)) {
    const answer = await ask();
    if (!worthRetrying(answer) || performance.now() + waitMs > end) return answer;
    again();
    await pause(waitMs);
  }
}

// The calls of a request for a secret (docs/api.md, "Requests for secrets").
import { type Answer, send } from './wire';

export type AskState = 'open' | 'answered' | 'picked_up' | 'cancelled' | 'expired';

// Times are RFC 3339.
export interface AskTold {
  state: AskState;
  createdAt: string;
  answerUntil: string;
  answeredAt: string | null;
  pickupUntil: string | null;
  endedAt: string | null;
}

const base = '/api/v1/requests';
type Of<T> = Promise<Answer<{ data: T }>>;

export function openAsk(lifetimeSeconds: number): Of<AskTold & { id: string; pickupKey: string }> {
  return send('POST', base, { body: { lifetimeSeconds } });
}

export function lookToAnswer(id: string): Of<{ state: 'open' | 'answered'; answerUntil: string }> {
  return send('GET', `${base}/${id}`);
}

export function stateOf(id: string, pickupKey: string): Of<AskTold> {
  return send('GET', `${base}/${id}`, { headers: { 'Pickup-Key': pickupKey } });
}

export function giveAnswer(id: string, sealed: string, retryKey: string): Of<unknown> {
  return send('POST', `${base}/${id}/answer`, { body: { sealed }, headers: { 'Idempotency-Key': retryKey } });
}

export function pickUp(id: string, pickupKey: string, retryKey: string): Of<{ sealed: string }> {
  return send('POST', `${base}/${id}/pickup`, { headers: { 'Pickup-Key': pickupKey, 'Idempotency-Key': retryKey } });
}

// The answer has arrived: from here on not even the retry key fetches it. Outlives the page.
export function confirmPickup(id: string, pickupKey: string, retryKey: string): Promise<Answer<void>> {
  return send('DELETE', `${base}/${id}/pickup`, { headers: { 'Pickup-Key': pickupKey, 'Idempotency-Key': retryKey }, keepalive: true });
}

export function cancelAsk(id: string, pickupKey: string): Promise<Answer<void>> {
  return send('DELETE', `${base}/${id}`, { headers: { 'Pickup-Key': pickupKey } });
}

export function freshRetryKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

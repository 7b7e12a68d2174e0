// Words for refusals that every page may meet.
import type { Refusal } from './api';
import { spoken } from './language.svelte';

export function wordsFor(refusal: Refusal): string {
  const { trouble, open } = spoken.t;
  if (refusal.status === 429) {
    const span = spoken.span(refusal.waitSeconds);
    return refusal.limit === 'passphrase' ? open.locked(span) : trouble.limited(span);
  }
  if (refusal.status === 403) return trouble.closed;
  if (refusal.status === 507) return trouble.full;
  // What breaks a rule is told in the server's own words.
  if (refusal.status === 422 && refusal.message) return refusal.message;
  return trouble.server(refusal.status);
}

// How a token stands, as one looks at it: a word, and whether it wants attention.
import { spoken } from '../language.svelte';
import { serverNow } from '../wire';
import type { Narrowing } from './calls';
import { words } from './words.svelte';

export interface Standing {
  text: string;
  kind: '' | 'good' | 'warn' | 'bad';
}

const soonMs = 14 * 86_400_000;

const leftMs = (expiresAt: string | null) => (expiresAt === null ? Infinity : Date.parse(expiresAt) - serverNow());

export function expiresSoon(token: { expiresAt: string | null }): boolean {
  const left = leftMs(token.expiresAt);
  return left > 0 && left <= soonMs;
}

export function standingOf(token: Narrowing & { expiresAt: string | null; uses?: number }): Standing {
  const t = words.t.tokens;
  const left = leftMs(token.expiresAt);
  if (left <= 0) return { text: t.expired, kind: 'bad' };
  if (token.maxUses && (token.uses ?? 0) >= token.maxUses) return { text: t.usedUp, kind: 'bad' };
  if (token.notBefore && Date.parse(token.notBefore) > serverNow()) return { text: t.notYet, kind: 'warn' };
  if (left === Infinity) return { text: t.noExpiry, kind: '' };
  return { text: t.expiresIn(spoken.span(Math.ceil(left / 60_000) * 60)), kind: left <= soonMs ? 'warn' : 'good' };
}

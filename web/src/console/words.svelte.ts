// The console's texts in the page's language, and the words for what calls may meet.
import { spoken } from '../language.svelte';
import { consoleTexts } from '../texts/console';
import type { ConsoleTexts } from '../texts/console/en';
import { type Answer, type Refusal, worthRetrying } from '../wire';

class Words {
  get t(): ConsoleTexts {
    return consoleTexts[spoken.language];
  }
}

export const words = new Words();

const epoch = (when: string) => Date.parse(when) / 1000;
export const timeOf = (when: string) => spoken.time(epoch(when));
export const dayOf = (when: string) => spoken.day(epoch(when));
export const agoOf = (when: string, nowMs: number) => spoken.ago(epoch(when) - nowMs / 1000);

type Failure = Exclude<Answer<unknown>, { kind: 'ok' }>;

// Why a change was not made, or that nobody knows whether it was: what is worth asking again may come after the effect.
export function whyNot(answer: Failure): string {
  return answer.kind === 'lost' || worthRetrying(answer) ? words.t.errors.lost : whyRefused(answer);
}

// Why what was looked for is not shown.
export function whyUnread(answer: Failure): string {
  return answer.kind === 'lost' ? words.t.errors.unreachable : whyRefused(answer);
}

function whyRefused(refusal: Refusal): string {
  const { errors, token } = words.t;
  const span = spoken.span(refusal.waitSeconds);
  if (refusal.status === 429) return refusal.limit.startsWith('reveal') ? token.budgetSpent(span) : errors.limited(span);
  if (refusal.code === 'insufficient_scope') return errors.scope;
  if (refusal.status === 403) return errors.forbidden;
  if (refusal.status === 404) return errors.gone;
  // What breaks a rule is told in the server's own words.
  if (refusal.status < 500 && refusal.message) return refusal.message;
  return errors.server(refusal.status);
}

// The console's texts in the page's language, and the words for what calls may meet.
import { spoken } from '../language.svelte';
import { consoleTexts } from '../texts/console';
import type { ConsoleTexts } from '../texts/console/en';
import type { Answer, Refusal } from '../wire';

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

// Why a call did not do what was asked.
export function whyNot(answer: Exclude<Answer<unknown>, { kind: 'ok' }>): string {
  const { errors } = words.t;
  if (answer.kind === 'lost') return errors.lost;
  return whyRefused(answer);
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

// Rotations whose answer got lost. The same key gets the same new token again, but for a minute only (docs/api.md, "Rotation
// without an outage"): after it the same request is a second rotation, which ends the old token at once.
import { type Answer, worthRetrying } from '../wire';
import { freshKey, type Rotation } from './calls';
import { session } from './session.svelte';

const insistForMs = 30_000;
const keyGoodForMs = 55_000; // from the first try; less than the minute, as clocks and ways differ

interface Begun {
  key: string;
  how: string;
  at: number;
}
const begun = new Map<string, Begun>(); // of each person and token

const idOf = (token: string) => `${session.me?.id}/${token}`;
const isSame = (one: Begun, how: Rotation) => one.how === JSON.stringify(how) && Math.abs(Date.now() - one.at) < keyGoodForMs;

// Whether it may have been rotated already, and asking for it now would be a second time.
export function wouldBeSecond(token: string, how: Rotation): boolean {
  const one = begun.get(idOf(token));
  return one !== undefined && !isSame(one, how);
}

export async function rotate<T>(token: string, how: Rotation, ask: (key: string) => Promise<Answer<T>>): Promise<Answer<T>> {
  const id = idOf(token);
  const before = begun.get(id);
  const kept = before && isSame(before, how) ? before : null;
  const one = kept ?? { key: freshKey(), how: JSON.stringify(how), at: Date.now() };
  begun.set(id, one);
  let isOpen = before !== undefined;
  const answer = await session.insist(async () => {
    const got = await ask(one.key);
    isOpen ||= worthRetrying(got);
    return got;
  }, Math.min(insistForMs, one.at + keyGoodForMs - Date.now()));
  // Only what is said of the token itself tells what became of the tries before it.
  const isTold = answer.kind === 'ok' || (answer.kind === 'refused' && [404, 409, 422].includes(answer.status));
  if (isTold || !isOpen) begun.delete(id);
  return answer;
}

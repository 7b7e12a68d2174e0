// What a page keeps beyond itself, and only if the browser lets it: the language (for good), and the retry key of a
// reveal under way (for this tab), so that a reload in between does not lose the value.

function tried<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise; // storage is blocked
  }
}

export function canKeep(): boolean {
  return tried(() => {
    sessionStorage.setItem('nacre.probe', '1');
    sessionStorage.removeItem('nacre.probe');
    return true;
  }, false);
}

const languageItem = 'nacre.language';
export const keptLanguage = () => tried(() => localStorage.getItem(languageItem), null);
export const keepLanguage = (to: string) => tried(() => localStorage.setItem(languageItem, to), undefined);

const claimItem = 'nacre.claim';
const claimLivesMs = 60_000;

export function keepClaim(identifier: string, retryKey: string): void {
  tried(() => sessionStorage.setItem(claimItem, JSON.stringify({ identifier, retryKey, at: Date.now() })), undefined);
}

// The retry key of a reveal of this secret that got no answer, while it may still be good.
export function keptClaim(identifier: string): string | null {
  return tried(() => {
    const kept = JSON.parse(sessionStorage.getItem(claimItem) ?? 'null') as { identifier: string; retryKey: string; at: number } | null;
    const fits = kept && kept.identifier === identifier && Math.abs(Date.now() - kept.at) < claimLivesMs;
    return fits ? kept.retryKey : null;
  }, null);
}

export const dropClaim = () => tried(() => sessionStorage.removeItem(claimItem), undefined);

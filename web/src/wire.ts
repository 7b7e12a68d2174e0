// One call of the server, and what became of it; trying again while nobody knows.

export type Answer<T> =
  | { kind: 'ok'; body: T; head: Headers }
  | { kind: 'refused'; status: number; message: string; code: string; waitSeconds: number; limit: string }
  | { kind: 'lost' }; // no answer, or none of nacre's: whether the call had an effect is not known

export type Refusal = Extract<Answer<never>, { kind: 'refused' }>;

// Longer than the server takes to say that it did not manage, with what the way takes. The page came with that time
// (http.request_timeout_ms); for a browser that does not tell it on it is the usual one.
const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
const answerWithinMs = (page?.serverTiming?.find(({ name }) => name === 'gives-up')?.duration ?? 15_000) + 5_000;

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

export interface Asked {
  body?: unknown;
  headers?: Record<string, string>;
  keepalive?: boolean; // outlives the page
  patienceMs?: number;
}

export async function send<T>(verb: string, path: string, { body, headers: more = {}, keepalive = false, patienceMs = answerWithinMs }: Asked = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: 'application/json', ...more };
  const init: RequestInit = { method: verb, headers, keepalive, cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer' };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  try {
    const response = await fetch(path, { ...init, signal: patience.signal });
    const date = Date.parse(response.headers.get('Date') ?? '');
    if (!Number.isNaN(date)) clockOffsetMs = date + 500 - Date.now();
    if (response.status === 204) return { kind: 'ok', body: undefined as T, head: response.headers };
    const told = (await response.json()) as Record<string, unknown>;
    if (response.ok) return { kind: 'ok', body: told as T, head: response.headers };
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

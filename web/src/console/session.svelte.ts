// Who is signed in, and every call made in their name. The credential is a private field of one object of this page: no
// storage, no address, no attribute ever holds it, and it is gone with the page.
import { type Answer, type Asked, send, serverNow, untilKnown } from '../wire';
import { endOf, type Issuer } from './oidc';

export interface Config {
  version: string;
  dev: boolean;
  oidc: Issuer | null;
  families: { alephant: boolean; onetime: boolean; unleash: boolean; serviceTokens: boolean };
  reveals: { perToken: number; perUser: number } | null;
}

export interface Me {
  id: string;
  email: string | null;
  credential: 'jwt' | 'pat';
  workspaceId?: string;
  scopes?: string[];
}

export type Ended = '' | 'left' | 'refused';

const warnBeforeMs = 5 * 60_000;

class Session {
  me = $state<Me | null>(null);
  endsAt = $state<number | null>(null); // milliseconds of the server's clock
  endsSoon = $state(false);
  ended = $state<Ended>(''); // why nobody is signed in any more
  #token = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  async signIn(token: string): Promise<Answer<unknown>> {
    this.#token = token.trim();
    const answer = await this.ask<{ data: Me }>('GET', '/api/v1/me');
    if (answer.kind !== 'ok') {
      this.#forget();
      this.ended = ''; // nobody had been signed in
      return answer;
    }
    const told = answer.head.get('X-Nacre-Token-Expires-At');
    const end = endOf(this.#token) ?? (told ? Date.parse(told) / 1000 : null);
    this.endsAt = end === null ? null : end * 1000;
    this.ended = '';
    this.me = answer.body.data;
    this.#watch();
    return answer;
  }

  signOut(why: Ended = 'left'): void {
    this.#forget();
    this.ended = why;
  }

  async ask<T>(verb: string, path: string, asked: Asked & { workspace?: string; key?: string } = {}): Promise<Answer<T>> {
    const { workspace, key, headers, ...rest } = asked;
    const used = this.#token;
    if (!used) return { kind: 'lost' };
    const answer = await send<T>(verb, path, {
      ...rest,
      headers: {
        ...headers,
        Authorization: `Bearer ${used}`,
        ...(workspace ? { 'X-Workspace-Id': workspace } : {}),
        ...(key ? { 'Idempotency-Key': key } : {}),
      },
    });
    if (answer.kind === 'refused' && answer.status === 401 && used === this.#token) this.signOut('refused');
    return answer;
  }

  // Asks again while nobody knows what became of the call, but never in another's name.
  async insist<T>(ask: () => Promise<Answer<T>>, forMs: number): Promise<Answer<T>> {
    const whose = this.#token;
    const over: Answer<T> = { kind: 'refused', status: 401, message: '', code: 'signed_out', waitSeconds: 0, limit: '' };
    return untilKnown(() => (whose !== '' && whose === this.#token ? ask() : Promise.resolve(over)), forMs);
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#token = '';
    this.me = this.endsAt = null;
    this.endsSoon = false;
  }

  // Says when the end is near, and signs out when it is there.
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.endsAt === null) return;
    const left = this.endsAt - serverNow();
    this.endsSoon = left <= warnBeforeMs;
    if (left <= 0) return this.signOut('refused');
    const longest = 3_600_000; // timers count in 31 bits, and devices sleep
    this.#timer = setTimeout(() => this.#watch(), Math.min(left > warnBeforeMs ? left - warnBeforeMs : left, longest));
  }
}

export const session = new Session();

// Signing in at an OpenID Connect issuer: authorization code with PKCE (S256), by a client without a secret. What has to
// survive the way there and back (verifier, state, nonce) lies in this tab's storage and is taken out on return; the
// access token is handed over and kept nowhere.
import { base64url, type Bytes } from '../seal';

export interface Issuer {
  issuer: string;
  clientId: string;
  scopes: string;
  audience: string;
  origins: string[];
}

// Why nobody is signed in. `unreachable`: no answer a page may read; `origin`: an endpoint the policy does not let us ask.
export type Trouble =
  | { kind: 'no-storage' | 'no-crypto' | 'unreachable' | 'metadata' | 'stale' | 'forged' | 'no-token' }
  | { kind: 'origin'; origin: string }
  | { kind: 'refused'; code: string };

export interface SignedIn {
  token: string;
}

export interface Kept {
  verifier: string;
  state: string;
  nonce: string;
  place: string; // the fragment somebody came from
}

const item = 'nacre.sign-in';
const answerWithinMs = 12_000;

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const here = () => location.origin + location.pathname;

// The storage of this tab, for the length of a redirect; null where the browser forbids it.
function keep(what: Kept): boolean {
  try {
    sessionStorage.setItem(item, JSON.stringify(what));
    return true;
  } catch {
    return false;
  }
}

export function takeKept(): Kept | null {
  try {
    const text = sessionStorage.getItem(item);
    sessionStorage.removeItem(item);
    return text ? (JSON.parse(text) as Kept) : null;
  } catch {
    return null;
  }
}

// What is no object of JSON says nothing.
function objectIn(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

// Null: no answer that a page may read.
async function json(url: string, init: RequestInit = {}): Promise<{ status: number; body: Record<string, unknown> } | null> {
  try {
    const answer = await fetch(url, {
      ...init,
      mode: 'cors',
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(answerWithinMs),
    });
    return { status: answer.status, body: objectIn(await answer.text()) };
  } catch {
    return null;
  }
}

interface Endpoints {
  authorization: URL;
  token: URL;
}

// An address at an issuer: as safe as the issuer's own.
function endpoint(told: unknown, at: Issuer): URL | null {
  try {
    const url = new URL(String(told));
    const plainHttpIsRight = new URL(at.issuer).protocol === 'http:'; // of this machine: the server has checked that
    return url.protocol === 'https:' || (plainHttpIsRight && url.protocol === 'http:') ? url : null;
  } catch {
    return null;
  }
}

async function discover(at: Issuer): Promise<Endpoints | Trouble> {
  const told = await json(`${at.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (!told || told.status >= 500) return { kind: 'unreachable' };
  const authorization = endpoint(told.body.authorization_endpoint, at);
  const token = endpoint(told.body.token_endpoint, at);
  if (told.status !== 200 || told.body.issuer !== at.issuer || !authorization || !token) return { kind: 'metadata' };
  if (!at.origins.includes(token.origin)) return { kind: 'origin', origin: token.origin };
  return { authorization, token };
}

// Leaves for the issuer; answers only if that is not possible.
export async function leave(at: Issuer): Promise<Trouble> {
  if (!isSecureContext || !crypto.subtle) return { kind: 'no-crypto' };
  const found = await discover(at);
  if ('kind' in found) return found;
  const kept: Kept = { verifier: random(), state: random(), nonce: random(), place: location.hash };
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(kept.verifier));
  if (!keep(kept)) return { kind: 'no-storage' };
  const asked = {
    response_type: 'code',
    client_id: at.clientId,
    redirect_uri: here(),
    scope: at.scopes,
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: base64url(new Uint8Array(digest) as Bytes),
    code_challenge_method: 'S256',
    ...(at.audience ? { audience: at.audience } : {}),
  };
  for (const [name, value] of Object.entries(asked)) found.authorization.searchParams.set(name, value);
  location.assign(found.authorization.href);
  return new Promise(() => {});
}

// What the issuer sent along, if somebody comes from there. It leaves the address, and the tab's history, at once.
export function takeReturn(): URLSearchParams | null {
  const told = new URLSearchParams(location.search);
  if (!told.has('state') && !told.has('code') && !told.has('error')) return null;
  history.replaceState(null, '', location.pathname + location.hash);
  return told;
}

function claimsOf(token: string): Record<string, unknown> | null {
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return null;
  }
}

// When a JWT ends, in seconds since 1970; null for what is none or does not say.
export function endOf(token: string): number | null {
  const end = token.split('.').length === 3 ? claimsOf(token)?.exp : null;
  return typeof end === 'number' ? end : null;
}

// An ID token straight from the token endpoint needs no look at its signature (OpenID Connect Core 3.1.3.7), but must
// be about this sign-in.
function isAboutUs(idToken: string, at: Issuer, nonce: string): boolean {
  const claims = claimsOf(idToken);
  if (!claims || claims.iss !== at.issuer || claims.nonce !== nonce) return false;
  return Array.isArray(claims.aud) ? claims.aud.includes(at.clientId) : claims.aud === at.clientId;
}

// Trades the code for an access token. `kept`: what this tab held when somebody left.
export async function arrive(told: URLSearchParams, kept: Kept | null, at: Issuer): Promise<SignedIn | Trouble> {
  if (!kept) return { kind: 'stale' };
  if (told.get('state') !== kept.state) return { kind: 'forged' };
  if (told.has('iss') && told.get('iss') !== at.issuer) return { kind: 'forged' }; // RFC 9207
  if (told.has('error')) return { kind: 'refused', code: told.get('error')! };
  const found = await discover(at);
  if ('kind' in found) return found;
  const answer = await json(found.token.href, {
    method: 'POST',
    headers: { Accept: 'application/json' },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: told.get('code') ?? '',
      redirect_uri: here(),
      client_id: at.clientId,
      code_verifier: kept.verifier,
    }),
  });
  if (!answer) return { kind: 'unreachable' };
  if (answer.status !== 200) return { kind: 'refused', code: String(answer.body.error ?? answer.status) };
  const { access_token: token, id_token: idToken } = answer.body;
  if (typeof token !== 'string' || token === '') return { kind: 'no-token' };
  const wantsId = at.scopes.split(' ').includes('openid');
  if (wantsId && !(typeof idToken === 'string' && isAboutUs(idToken, at, kept.nonce))) return { kind: 'forged' };
  return { token };
}

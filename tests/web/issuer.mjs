// A tiny OpenID Connect issuer on loopback: authorization code with PKCE, ES256. It signs in whoever comes, and can be
// told to answer wrongly in one way at a time.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';

const base64url = (what) => Buffer.from(what).toString('base64url');

export class Issuer {
  static async start() {
    const issuer = new Issuer();
    issuer.clientId = 'nacre-console';
    issuer.fault = '';
    issuer.asked = []; // requests of the token endpoint
    issuer.codes = new Map();
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    issuer.key = privateKey;
    issuer.jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] };
    issuer.server = createServer((request, response) => issuer.answer(request, response));
    await new Promise((done) => issuer.server.listen(0, '127.0.0.1', done));
    issuer.url = `http://127.0.0.1:${issuer.server.address().port}`;
    return issuer;
  }

  end() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }

  token(claims) {
    const now = Math.floor(Date.now() / 1000);
    const body = { iss: this.url, iat: now, exp: now + 600, sub: 'alice', email: 'alice@example.com', email_verified: true, ...claims };
    const signed = `${base64url(JSON.stringify({ alg: 'ES256', kid: 'k1', typ: 'JWT' }))}.${base64url(JSON.stringify(body))}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), { key: this.key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  answer(request, response) {
    const url = new URL(request.url, this.url);
    const cors = this.fault === 'no-cors' ? {} : { 'Access-Control-Allow-Origin': request.headers.origin ?? '*' };
    const json = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...cors });
      response.end(JSON.stringify(body));
    };
    if (url.pathname === '/.well-known/openid-configuration') {
      if (this.fault === 'away') return json(503, {});
      const elsewhere = this.fault === 'elsewhere' ? 'http://localhost:9' : this.url;
      return json(200, {
        issuer: this.fault === 'name' ? `${this.url}/other` : this.url,
        authorization_endpoint: this.fault === 'script' ? 'javascript:alert(1)' : `${this.url}/authorize`,
        token_endpoint: `${elsewhere}/token`,
      });
    }
    if (url.pathname === '/authorize') {
      const asked = Object.fromEntries(url.searchParams);
      const back = new URL(asked.redirect_uri);
      const code = randomBytes(16).toString('hex');
      this.codes.set(code, asked);
      back.searchParams.set('state', this.fault === 'state' ? 'another' : asked.state);
      if (this.fault === 'denied') back.searchParams.set('error', 'access_denied');
      else back.searchParams.set('code', code);
      back.searchParams.set('iss', this.fault === 'mix-up' ? 'https://another.example' : this.url);
      response.writeHead(302, { Location: back.href });
      return response.end();
    }
    if (url.pathname === '/token' && request.method === 'POST') {
      let text = '';
      request.on('data', (part) => (text += part));
      return request.on('end', () => {
        const given = Object.fromEntries(new URLSearchParams(text));
        this.asked.push(given);
        if (this.fault === 'broken') {
          response.writeHead(500, { 'Content-Type': 'text/html', ...cors });
          return response.end('<h1>Internal Server Error</h1>');
        }
        const asked = this.codes.get(given.code);
        this.codes.delete(given.code);
        const challenge = createHash('sha256').update(given.code_verifier ?? '').digest('base64url');
        const good = asked && asked.code_challenge_method === 'S256' && asked.code_challenge === challenge && asked.redirect_uri === given.redirect_uri;
        if (!good || given.client_id !== this.clientId) return json(400, { error: 'invalid_grant' });
        const nonce = this.fault === 'nonce' ? 'another' : asked.nonce;
        json(200, {
          token_type: 'Bearer',
          expires_in: 600,
          access_token: this.token({ aud: this.fault === 'audience' ? 'another' : 'nacre' }),
          id_token: this.token({ aud: this.clientId, nonce }),
        });
      });
    }
    json(404, {});
  }
}

// What the console promises, journey by journey, in a real browser against the real node.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Issuer } from './issuer.mjs';
import { binaries, journeysIn, lan, launch, Node } from './kit.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tokenShape = /^pat_ws[0-9a-f]{6}_[0-9a-f]{64}$/;

let issuer;
let node;
let browser;

before(async () => {
  issuer = await Issuer.start();
  // Where the node reads its issuer's keys is known only with the node's folder: the folder comes first.
  [node, browser] = await Promise.all([
    Node.start((folder) => {
      const file = join(folder, 'issuer.jwks.json');
      writeFileSync(file, JSON.stringify(issuer.jwks), { mode: 0o600 });
      return [
        '--set', 'webhooks.allowed_hosts=127.0.0.1',
        '--set', `auth.issuers=[{issuer = "${issuer.url}", audience = "nacre", jwks_file = "${file}"}]`,
        '--set', `console.oidc_issuer=${issuer.url}`,
        '--set', `console.oidc_client_id=${issuer.clientId}`,
      ];
    }),
    launch(),
  ]);
}, { timeout: 60_000 });

after(async () => {
  await browser?.close();
  await node?.end();
  await issuer?.end();
}, { timeout: 60_000 });

const journey = journeysIn(() => ({ node, browser }));

// Somebody with a JWT of the development issuer, as programs see them.
class User {
  constructor(at = node, ...more) {
    this.id = randomUUID();
    this.node = at;
    const given = ['token', 'mint', '--data-dir', at.folder, '--sub', this.id, '--email', `${this.id.slice(0, 8)}@example.com`, ...more];
    this.jwt = execFileSync(join(binaries, 'nacre'), given, { encoding: 'utf8' }).trim();
  }

  async call(verb, path, body, headers = {}) {
    const init = { method: verb, headers: { Authorization: `Bearer ${this.jwt}`, ...(this.workspace ? { 'X-Workspace-Id': this.workspace } : {}), ...headers } };
    if (body !== undefined) {
      init.headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    const answer = await fetch(this.node.url + path, init);
    return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
  }

  async does(verb, path, body) {
    const { status, body: told } = await this.call(verb, path, body);
    assert.ok(status < 300, `${verb} ${path}: ${status} ${JSON.stringify(told)}`);
    return told?.data ?? told;
  }

  static async withWorkspace(name = 'Payments', at = node, ...more) {
    const who = new User(at, ...more);
    who.workspace = (await who.does('POST', '/api/v1/workspaces', { name })).id;
    return who;
  }

  token(what) {
    return this.does('POST', '/api/v1/pats', { name: 'a token', ...what });
  }
}

async function paste(who, token) {
  await who.page.getByLabel('Token', { exact: true }).fill(token);
  await who.button('Use this token').click();
}

async function signIn(who, token, path = '/console', state = 'workspaces') {
  await who.visit(path);
  await who.reaches('signed-out');
  await paste(who, token);
  await who.reaches(state);
}

async function go(who, user, to, state) {
  await who.page.evaluate((hash) => (location.hash = hash), `#/w/${user.workspace}/${to}`);
  await who.reaches(state);
}

// Lets requests have their effect and drops the answers (or answers 503) while `is.on`; keeps what was asked.
async function losing(who, verb, fits, status = 0) {
  const is = { on: true, asked: [] };
  await who.page.route(fits, async (route) => {
    if (route.request().method() !== verb) return route.fallback();
    is.asked.push(route.request());
    if (!is.on) return route.continue();
    await route.fetch();
    return status ? route.fulfill({ status, json: {} }) : route.abort('connectionreset');
  });
  return is;
}

// Lets the page's clock run until something stands there: what it does meanwhile takes time of its own.
async function passUntil(who, there) {
  while (!(await there.isVisible())) await who.page.clock.runFor(500);
}

// What a page holds beyond its memory, and what it shows.
const held = (who) =>
  who.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state]) + document.documentElement.outerHTML);

describe('the console', { concurrency: 2 }, () => {

// ---- what is served ---------------------------------------------------------------------------------

test('the console may ask its node and its issuer, the other pages the node alone', async () => {
  const policyOf = async (path) => (await fetch(node.url + path)).headers.get('content-security-policy');
  const policy = await policyOf('/console');
  assert.ok(policy.includes(`connect-src 'self' ${issuer.url};`), policy);
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"])
    assert.ok(policy.includes(rule), rule);
  assert.ok(!/unsafe|\*/.test(policy));
  assert.ok((await policyOf('/')).includes("connect-src 'self';"));
  const page = await fetch(`${node.url}/console?code=x&state=y`);
  assert.equal(page.status, 200);
  for (const [name, value] of [['cache-control', 'no-store'], ['referrer-policy', 'no-referrer'], ['x-content-type-options', 'nosniff'], ['cross-origin-opener-policy', 'same-origin'], ['x-frame-options', 'DENY'], ['content-type', 'text/html; charset=utf-8']])
    assert.equal(page.headers.get(name), value);
  const html = await page.text();
  assert.ok(!/<script(?![^>]*\bsrc=)|<style|\son\w+=|style=|https?:\/\//.test(html), 'something inline or foreign');
  const scripts = [...html.matchAll(/src="(\/assets\/[^"]+\.js)"/g)].map((m) => m[1]);
  const guests = await (await fetch(`${node.url}/s`)).text();
  for (const each of scripts) assert.ok(!guests.includes(each), 'guests load none of it');
  const bytes = gzipSync(await (await fetch(node.url + scripts[0])).text()).length;
  console.log(`# the console: ${bytes} bytes of script`);
  assert.ok(scripts.length === 1 && bytes < 150_000);
});

test('how people sign in is told without secrets, and to this origin alone', async () => {
  const answer = await fetch(`${node.url}/console/config.json`);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('access-control-allow-origin'), null);
  const told = await answer.json();
  assert.deepEqual(told.oidc, { issuer: issuer.url, clientId: issuer.clientId, scopes: 'openid email', audience: '', origins: [issuer.url] });
  assert.equal(told.dev, true);
  assert.equal(told.reveals, null, 'no limits here');
  assert.deepEqual(told.families, { alephant: true, onetime: true, unleash: true, serviceTokens: true });
  assert.match(told.version, /^\d+\.\d+\.\d+$/);
});

test('the developer’s door opens for a page of this node alone, and exists at development nodes alone', async () => {
  const good = { Origin: node.url, 'X-Nacre-Console': 'sign-in' };
  const ask = (headers, method = 'POST') => fetch(`${node.url}/console/dev-token`, { method, headers });
  const opened = await ask(good);
  assert.equal(opened.status, 200);
  assert.equal(opened.headers.get('cache-control'), 'no-store');
  const { token } = (await opened.json()).data;
  assert.equal((await fetch(`${node.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } })).status, 200);
  const refused = [{}, { Origin: node.url }, { 'X-Nacre-Console': 'sign-in' }, { ...good, Origin: 'http://evil.example' }, { ...good, Origin: 'null' }, { ...good, 'X-Forwarded-For': '192.0.2.7' }, { ...good, Via: '1.1 proxy' }];
  for (const headers of refused) {
    const answer = await ask(headers);
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.ok(!(await answer.text()).includes('ey'));
  }
  assert.equal((await ask(good, 'GET')).status, 405);
  assert.equal((await fetch(`${node.url}/console/dev-token`, { method: 'OPTIONS', headers: { ...good, 'Access-Control-Request-Method': 'POST' } })).headers.get('access-control-allow-origin'), null);

  const real = await Node.start([], { dev: false });
  try {
    for (const method of ['POST', 'GET', 'OPTIONS', 'DELETE'])
      assert.equal((await fetch(`${real.url}/console/dev-token`, { method, headers: { ...good, Origin: real.url } })).status, 404, method);
    const told = await (await fetch(`${real.url}/console/config.json`)).json();
    assert.equal(told.dev, false);
    assert.equal(told.oidc, null);
    assert.ok((await fetch(`${real.url}/console`)).headers.get('content-security-policy').includes("connect-src 'self';"));
  } finally {
    await real.end();
  }
  const none = await Node.start(['--set', 'console.enabled=false', '--set', 'families.onetime=false']);
  try {
    for (const path of ['/console', '/console/config.json', '/console/dev-token', '/'])
      assert.equal((await fetch(none.url + path)).status, 404, path);
  } finally {
    await none.end();
  }
  const alone = await Node.start(['--set', 'families.onetime=false']);
  try {
    const html = await (await fetch(`${alone.url}/console`)).text();
    for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) assert.equal((await fetch(alone.url + path)).status, 200, path);
    assert.equal((await fetch(`${alone.url}/s`)).status, 404);
  } finally {
    await alone.end();
  }
});

// ---- signing in -------------------------------------------------------------------------------------

journey('one click signs a developer in; the token is in no storage, and a reload forgets it', async (arrive) => {
  const who = await arrive();
  await who.visit('/console');
  await who.reaches('signed-out');
  const answered = who.page.waitForResponse('**/console/dev-token');
  await who.button('Sign in as developer').click();
  const { token } = (await (await answered).json()).data;
  await who.reaches('workspaces');
  assert.ok(!(await held(who)).includes(token.slice(-40)));
  assert.deepEqual(await who.page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  await who.page.getByText('developer@localhost').first().click();
  assert.equal(await who.page.locator('[data-test=my-id]').textContent(), '00000000-0000-8000-8000-00000000dede');
  await who.page.keyboard.press('Escape');
  assert.equal(await who.page.locator('.account').evaluate((menu) => menu.open), false);
  await who.page.reload();
  await who.reaches('signed-out');
  await who.button('Sign in as developer').click();
  await who.reaches('workspaces');
  await who.page.locator('.account summary').click();
  await who.button('Sign out').click();
  await who.reaches('signed-out');
  await who.page.getByText('You are signed out.').waitFor();
});

journey('a pasted token signs in, a wrong one is told in words, and whoever comes back finds nobody signed in', async (arrive) => {
  const user = await User.withWorkspace('Pasted');
  const who = await arrive();
  await who.visit('/console');
  await who.reaches('signed-out');
  await who.button('Use this token').click();
  await who.page.getByRole('alert').getByText('Paste a token first.').waitFor();
  for (const wrong of [`pat_wsabcdef_${'a'.repeat(64)}`, 'ey.ey.ey', 'zwei Wörter', 'ü']) {
    await paste(who, wrong);
    await who.page.getByRole('alert').getByText('This server knows no such token').waitFor();
  }
  const { fullToken } = await user.token({ scopes: ['admin'] });
  await paste(who, `  ${fullToken}\n`);
  await who.reaches('workspaces');
  await who.page.getByRole('link', { name: /Pasted/ }).waitFor();
  assert.equal(await who.button('New workspace').count(), 0, 'a token makes no workspaces');
  assert.ok(!(await held(who)).includes(fullToken.slice(-40)));
  await who.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  await who.reaches('signed-out');
  assert.equal(await who.page.getByLabel('Token', { exact: true }).inputValue(), '');
  await who.page.goto('about:blank');
  await who.page.goBack();
  await who.reaches('signed-out');
});

journey('a token that dies meanwhile signs out in words, and signing in again goes on at the same place', async (arrive) => {
  const user = await User.withWorkspace();
  const mine = await user.token({ name: 'mine', scopes: ['admin'] });
  const who = await arrive();
  await signIn(who, mine.fullToken, `/console#/w/${user.workspace}/members`, 'members');
  await user.does('DELETE', `/api/v1/pats/${mine.id}`);
  await who.page.getByRole('link', { name: 'Projects' }).click();
  await who.reaches('signed-out');
  await who.page.getByText('Your sign-in has ended.').waitFor();
  await paste(who, user.jwt);
  await who.reaches('projects');
});

journey('the end of a sign-in is announced, and comes', async (arrive) => {
  const user = new User();
  const who = await arrive();
  await who.page.clock.install();
  await signIn(who, user.jwt);
  assert.equal(await who.page.getByText(/Your sign-in ends at/).count(), 0);
  await who.page.clock.fastForward('56:00');
  await who.page.getByText(/Your sign-in ends at/).waitFor();
  await who.page.clock.fastForward('05:00');
  await who.reaches('signed-out');
  await who.page.getByText('Your sign-in has ended.').waitFor();
});

journey('the issuer signs people in by code and PKCE, and nothing of it stays', async (arrive) => {
  const who = await arrive();
  await who.visit('/console#/w/00000000-0000-4000-8000-000000000001/audit');
  await who.reaches('signed-out');
  const left = who.page.waitForRequest((request) => request.url().includes('/authorize'));
  await who.button(`Sign in with ${new URL(issuer.url).host}`).click();
  const asked = new URL((await left).url()).searchParams;
  await who.reaches('refused'); // signed in, and of nobody's workspace
  await who.page.getByText('You are not a member of this workspace').waitFor();
  assert.equal(asked.get('response_type'), 'code');
  assert.equal(asked.get('code_challenge_method'), 'S256');
  assert.equal(asked.get('scope'), 'openid email');
  assert.equal(asked.get('redirect_uri'), `${node.url}/console`);
  for (const name of ['state', 'nonce', 'code_challenge']) assert.match(asked.get(name), /^[A-Za-z0-9_-]{43}$/);
  assert.equal(new Set(['state', 'nonce', 'code_challenge'].map((name) => asked.get(name))).size, 3);
  const traded = issuer.asked.at(-1);
  assert.equal(traded.client_secret, undefined);
  const all = await held(who);
  for (const secret of [traded.code, traded.code_verifier, asked.get('state')]) assert.ok(!all.includes(secret));
  assert.deepEqual(await who.page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  assert.equal(new URL(who.page.url()).search, '');
  assert.ok(who.page.url().endsWith('/audit'), 'back where they were');
  await who.page.locator('.account summary').click();
  await who.page.getByText('alice@example.com').first().waitFor();
  // The code is worth nothing to who finds the address in a history.
  await who.visit(`/console?code=${traded.code}&state=${asked.get('state')}`);
  await who.reaches('signed-out');
  await who.page.getByRole('alert').getByText('begun elsewhere or long ago').waitFor();
});

journey('who is refused at the issuer and signs in there after all is back where they were', async (arrive) => {
  const who = await arrive();
  await who.visit('/console#/w/00000000-0000-4000-8000-000000000001/audit');
  await who.reaches('signed-out');
  await who.page.route(`${issuer.url}/authorize**`, (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const back = `${asked.get('redirect_uri')}?error=access_denied&state=${asked.get('state')}`;
    return route.fulfill({ status: 302, headers: { Location: back } });
  }, { times: 1 });
  const signInThere = who.button(`Sign in with ${new URL(issuer.url).host}`);
  await signInThere.click();
  await who.page.getByRole('alert').getByText('You did not let the issuer sign you in.').waitFor();
  await signInThere.click();
  await who.reaches('refused'); // signed in, and of nobody's workspace
  assert.ok(who.page.url().endsWith('/audit'));
});

journey('a code that cannot be traded yet is in no address and no storage meanwhile', async (arrive) => {
  const who = await arrive();
  await who.visit('/console');
  await who.reaches('signed-out');
  const isConfig = (url) => url.pathname === '/console/config.json';
  await who.page.route(isConfig, (route) => route.abort('connectionreset'));
  await who.button(`Sign in with ${new URL(issuer.url).host}`).click();
  await who.reaches('refused');
  assert.equal(new URL(who.page.url()).search, '');
  assert.deepEqual(await who.page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  await who.page.unroute(isConfig);
  await who.button('Try again').click();
  await who.reaches('workspaces');
});

test('what an issuer answers wrongly signs nobody in, and says why', { timeout: 60_000 }, async () => {
  const faults = {
    denied: 'You did not let the issuer sign you in.',
    state: 'does not belong to the sign-in',
    'mix-up': 'does not belong to the sign-in',
    nonce: 'does not belong to the sign-in',
    audience: 'does not accept its access token',
    name: 'does not fit its name',
    script: 'does not fit its name',
    elsewhere: 'The issuer’s tokens come from http://localhost:9',
    'no-cors': 'The issuer does not answer this page.',
    away: 'The issuer does not answer this page.',
    broken: 'The issuer refused (500).',
  };
  // By itself: the issuer's faults are everybody's.
  const own = await Issuer.start();
  const file = (folder) => join(folder, 'own.jwks.json');
  const at = await Node.start((folder) => {
    writeFileSync(file(folder), JSON.stringify(own.jwks), { mode: 0o600 });
    return ['--set', `auth.issuers=[{issuer = "${own.url}", audience = "nacre", jwks_file = "${file(folder)}"}]`, '--set', `console.oidc_issuer=${own.url}`, '--set', `console.oidc_client_id=${own.clientId}`];
  });
  const context = await browser.newContext({ locale: 'en-US' });
  try {
    const page = await context.newPage();
    for (const [fault, words] of Object.entries(faults)) {
      own.fault = fault;
      await page.goto('about:blank');
      await page.goto(`${at.url}/console`);
      await page.getByRole('button', { name: /^Sign in with/ }).click();
      await page.getByRole('alert').getByText(words).waitFor();
      assert.equal(await page.locator('main').getAttribute('data-state'), 'signed-out', fault);
      assert.equal(await page.evaluate(() => sessionStorage.length), 0, fault);
    }
  } finally {
    await context.close();
    await at.end();
    await own.end();
  }
});

journey('a browser that keeps nothing, and who turns back at the issuer, are told and left where they were', async (arrive) => {
  const who = await arrive();
  const signInThere = who.button(`Sign in with ${new URL(issuer.url).host}`);
  await who.visit('/console');
  await who.reaches('signed-out');
  await who.page.route(`${issuer.url}/authorize**`, (route) => route.fulfill({ contentType: 'text/html', body: '<title>issuer</title>' }), { times: 1 });
  await signInThere.click();
  await who.page.waitForURL(`${issuer.url}/authorize**`);
  await who.page.goBack();
  await who.reaches('signed-out');
  await who.page.waitForFunction(() => sessionStorage.length === 0);
  await signInThere.click();
  await who.reaches('workspaces');

  const blocked = await arrive();
  await blocked.page.addInitScript(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException('blocked', 'SecurityError');
    };
  });
  await blocked.visit('/console');
  await blocked.reaches('signed-out');
  await blocked.button(/^Sign in with/).click();
  await blocked.page.getByRole('alert').getByText('Your browser keeps nothing for this page').waitFor();
  await blocked.button('Sign in as developer').click();
  await blocked.reaches('workspaces');
});

journey('over plain http the page says what it cannot do and what may be overheard', async (arrive) => {
  const who = await arrive();
  await who.visit('/console', node.url.replace('127.0.0.1', lan));
  await who.reaches('signed-out');
  await who.page.getByText('can read a token you paste').waitFor();
  await who.button(/^Sign in with/).click();
  await who.page.getByRole('alert').getByText('Open it over https, or paste a token.').waitFor();
  await who.button('Sign in as developer').click();
  await who.page.getByRole('alert').getByText('on the node\'s own machine').waitFor();
});

// ---- workspaces and people --------------------------------------------------------------------------

journey('a workspace is made, renamed, and deleted when its name has been typed', async (arrive) => {
  const user = new User();
  const who = await arrive();
  await signIn(who, user.jwt);
  await who.page.getByText('You are in no workspace yet.').waitFor();
  await who.button('New workspace').click();
  await who.page.getByLabel('Name').fill('Ledger');
  await who.button('Create the workspace').click();
  await who.reaches('tokens');
  user.workspace = /#\/w\/([0-9a-f-]{36})\//.exec(who.page.url())[1];
  await who.page.getByRole('link', { name: 'Settings' }).click();
  await who.reaches('settings');
  await who.page.getByLabel('Name of the workspace').fill('Ledger <b>two</b>');
  await who.button('Save').click();
  await who.page.getByText('Saved.').waitFor();
  assert.equal((await user.does('GET', `/api/v1/workspaces/${user.workspace}`)).name, 'Ledger <b>two</b>');
  await who.page.getByText('Ledger <b>two</b>').first().waitFor();
  await who.button('Delete the workspace').click();
  const typed = who.page.locator('form.ask input');
  assert.ok(await who.button('Delete it for ever').isDisabled());
  await typed.fill('Ledger');
  assert.ok(await who.button('Delete it for ever').isDisabled());
  await typed.fill('Ledger <b>two</b>');
  await who.button('Delete it for ever').click();
  await who.reaches('workspaces');
  await who.page.getByText('“Ledger <b>two</b>” is deleted.').waitFor();
  assert.equal((await user.call('GET', `/api/v1/workspaces/${user.workspace}`)).status, 403);
});

journey('members come, change and go; the last owner stays, and is told why', async (arrive) => {
  const user = await User.withWorkspace();
  const other = new User();
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/members`, 'members');
  await who.button('Add a member').click();
  await who.page.getByRole('textbox', { name: 'User id' }).fill('nobody');
  await who.button('Add', { exact: true }).click();
  await who.page.getByRole('alert').getByText('A user id looks like').waitFor();
  await who.page.getByRole('textbox', { name: 'User id' }).fill(other.id.toUpperCase());
  await who.page.getByLabel('E-mail address').fill('ada@example.com');
  await who.button('Add', { exact: true }).click();
  await who.page.getByText('ada@example.com: Member.').waitFor();
  const roleOf = async (id) => (await user.does('GET', `/api/v1/workspaces/${user.workspace}/members`)).find((each) => each.userId === id)?.role;
  assert.equal(await roleOf(other.id), 'member');

  await who.button('Change: ada@example.com').click();
  await who.page.locator('form.ask select').selectOption('admin');
  await who.button('Save').click();
  await who.page.getByText('ada@example.com: Admin.').waitFor();
  assert.equal(await roleOf(other.id), 'admin');

  // Oneself, the only owner: neither another role nor a way out.
  const own = who.page.locator('li', { has: who.page.locator('.chip.you') });
  await own.getByRole('button', { name: /^Change/ }).click();
  await who.page.locator('form.ask select').selectOption('member');
  await who.button('Save').click();
  await who.page.getByRole('alert').getByText('This is the last owner, and a workspace needs one.').waitFor();
  await who.button('Cancel').click();
  await own.getByRole('button', { name: 'Leave' }).click();
  await own.locator('form.ask button[type=submit]').click();
  await own.getByRole('alert').getByText('This is the last owner').waitFor();
  await own.getByRole('button', { name: 'Keep' }).click();

  const line = who.page.locator('li', { hasText: 'ada@example.com' });
  await line.getByRole('button', { name: 'Remove' }).click();
  await line.getByText('Remove ada@example.com?').waitFor();
  await line.locator('form.ask button[type=submit]').click();
  await who.page.getByText('ada@example.com is no longer a member.').waitFor();
  assert.equal(await roleOf(other.id), undefined);
});

journey('who is a member already is not added with another role, and one’s own new role is shown', async (arrive) => {
  const user = await User.withWorkspace();
  const other = new User();
  const at = `/api/v1/workspaces/${user.workspace}/members`;
  for (let i = 0; i < 100; ++i) await user.does('PUT', `${at}/${randomUUID()}`, { role: 'member' });
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/members`, 'members');
  await user.does('PUT', `${at}/${other.id}`, { role: 'owner', email: 'ada@example.com' }); // the page does not know it yet
  await who.button('Add a member').click();
  await who.page.getByRole('textbox', { name: 'User id' }).fill(other.id);
  await who.page.locator('form.card button[type=submit]').click();
  await who.page.getByText('ada@example.com is a member already: Owner.').waitFor();
  assert.equal(await who.page.locator('form.ask select').inputValue(), 'owner');
  assert.equal((await other.does('GET', `/api/v1/workspaces/${user.workspace}`)).role, 'owner');
  await who.button('Cancel').click();

  const own = who.page.locator('li', { has: who.page.locator('.chip.you') });
  await own.getByRole('button', { name: /^Change/ }).click();
  await who.page.locator('form.ask select').selectOption('member');
  await who.button('Save').click();
  await own.getByText('Member', { exact: true }).waitFor();
});

journey('a member is offered what members may, and what they may not is said in words', async (arrive) => {
  const user = await User.withWorkspace();
  const member = new User();
  await user.does('PUT', `/api/v1/workspaces/${user.workspace}/members/${member.id}`, { role: 'member' });
  member.workspace = user.workspace;
  const foreign = await user.token({ name: 'not yours' });
  const who = await arrive();
  await signIn(who, member.jwt, `/console#/w/${user.workspace}/tokens`, 'tokens');
  const parts = who.page.getByRole('navigation').getByRole('listitem');
  assert.deepEqual(await parts.allTextContents(), ['Tokens', 'Members', 'Service users', 'Projects', 'Settings']);
  await go(who, user, 'audit', 'refused');
  await who.page.getByRole('alert').getByText('Your role in this workspace does not allow this.').waitFor();
  await go(who, user, `tokens/${foreign.id}`, 'refused');
  await go(who, user, 'members', 'members');
  assert.equal(await who.button('Add a member').count(), 0);
  assert.equal(await who.button('Remove').count(), 0);
  await who.button('Leave').click();
  await who.page.locator('form.ask button[type=submit]').click();
  await who.reaches('workspaces');
  await who.page.getByText('You are in no workspace yet.').waitFor();
  // A token that only reads is told so.
  const reader = await user.token({ scopes: ['read'] });
  const second = await arrive();
  await signIn(second, reader.fullToken, `/console#/w/${user.workspace}/tokens/new`, 'making');
  await second.page.getByLabel('Name').fill('stronger');
  await second.button('Create the token').click();
  await second.page.getByRole('alert').getByText('The token you signed in with does not reach this far.').waitFor();
});

// ---- tokens -----------------------------------------------------------------------------------------

journey('a token is made as chosen, masked until asked for, and copied in the shape programs read', async (arrive) => {
  const user = await User.withWorkspace();
  const who = await arrive({ permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/tokens`, 'tokens');
  await who.page.getByText('No token yet.').waitFor();
  await who.page.getByRole('link', { name: 'New token' }).click();
  await who.reaches('making');
  await who.page.getByLabel('Name').fill('CI <script>');
  await who.page.getByRole('checkbox', { name: /^Read/ }).uncheck();
  await who.button('Create the token').click();
  await who.page.getByRole('alert').getByText('Choose at least one.').waitFor();
  await who.page.getByRole('checkbox', { name: /^Write/ }).check();
  await who.page.getByLabel('Expires').selectOption('30');
  await who.page.getByText('Narrow it further').click();
  await who.page.getByLabel('Allowed networks').fill('10.0.0.0/8\n127.0.0.1');
  await who.page.getByLabel('Most uses').fill('50');
  await who.page.getByLabel('Not before').fill('2027-01-02T03:04');
  await who.button('Create the token').click();
  await who.reaches('made');
  assert.doesNotMatch(await held(who), /pat_ws[0-9a-f]{6}_[0-9a-f]{64}/, 'masked until asked for');
  const clipboard = async () => {
    const aside = await who.context.newPage();
    await aside.goto(`${node.url}/`);
    await aside.getByRole('textbox', { name: 'Your secret' }).focus();
    await aside.keyboard.press('Control+V');
    const pasted = await aside.getByRole('textbox', { name: 'Your secret' }).inputValue();
    await aside.close();
    return pasted;
  };
  await who.button('Copy: Token').click();
  await who.button('Copied: Token').waitFor();
  const token = await clipboard();
  assert.match(token, tokenShape);
  await who.button('Copy: MCP JSON').click();
  await who.button('Copied: MCP JSON').waitFor();
  assert.deepEqual(JSON.parse(await clipboard()), {
    mcpServers: { alephant: { command: 'npx', args: ['-y', '@alephantai/mcp'], env: { ALEPHANT_API_BASE_URL: node.url, ALEPHANT_PAT: token, ALEPHANT_WORKSPACE_ID: user.workspace } } },
  });
  await who.page.getByRole('radio', { name: 'curl' }).check();
  await who.button('Copy: curl').click();
  await who.button('Copied: curl').waitFor();
  assert.equal(await clipboard(), `curl -H 'Authorization: Bearer ${token}' ${node.url}/api/v1/me`);
  await who.page.getByRole('radio', { name: 'Environment line' }).check();
  await who.button('Copy: Environment line').click();
  await who.button('Copied: Environment line').waitFor();
  assert.equal(await clipboard(), `NACRE_TOKEN=${token}`);
  assert.ok(!(await held(who)).includes(token));
  await who.button('Show: Token').click();
  assert.equal(await who.page.locator('[data-test=value]').textContent(), token);
  await who.button('Done, forget it').click();
  await who.reaches('tokens');
  assert.ok(!(await held(who)).includes(token));

  const [made] = await user.does('GET', '/api/v1/pats');
  assert.equal(made.name, 'CI <script>');
  assert.deepEqual(made.scopes, ['write']);
  assert.deepEqual(made.allowedNetworks, ['10.0.0.0/8', '127.0.0.1/32']);
  assert.equal(made.maxUses, 50);
  const notBefore = await who.page.evaluate(() => new Date('2027-01-02T03:04').toISOString());
  assert.equal(Date.parse(made.notBefore), Date.parse(notBefore));
  assert.ok(Math.abs(Date.parse(made.expiresAt) - Date.now() - 30 * 86_400_000) < 120_000);

  // Changed: another name, no expiry, open again.
  await who.page.getByRole('link', { name: /CI <script>/ }).click();
  await who.reaches('token');
  await who.button('Change').click();
  await who.page.getByRole('textbox', { name: 'Name' }).fill('CI');
  await who.page.getByLabel('Expires').selectOption('never');
  await who.page.getByLabel('Allowed networks').fill('');
  await who.page.getByLabel('Most uses').fill('');
  await who.page.getByLabel('Not before').fill('');
  await who.button('Save').click();
  await who.page.getByText('Saved.').waitFor();
  const [changed] = await user.does('GET', '/api/v1/pats');
  assert.deepEqual([changed.name, changed.expiresAt, changed.maxUses, changed.notBefore, changed.allowedNetworks], ['CI', null, undefined, undefined, undefined]);
});

journey('what the server refuses of a token is told, and what was written stays', async (arrive) => {
  const user = await User.withWorkspace();
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/tokens/new`, 'making');
  await who.page.getByLabel('Name').fill('kept');
  await who.page.getByText('Narrow it further').click();
  await who.page.getByLabel('Allowed networks').fill('everywhere');
  await who.button('Create the token').click();
  await who.page.getByRole('alert').getByText('allowedNetworks must be an array').waitFor();
  assert.equal(await who.page.getByLabel('Name').inputValue(), 'kept');
  await who.page.getByLabel('Allowed networks').fill('');
  // What the browser does not let through is shown, though it was folded away.
  await who.page.getByLabel('Most uses').fill('many');
  await who.page.getByText('Narrow it further').click();
  await who.button('Create the token').click();
  await who.page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent === 'Most uses');
  await who.page.getByLabel('Most uses').fill('');
  await who.page.route('**/api/v1/pats', (route) => route.abort(), { times: 1 });
  await who.button('Create the token').click();
  await who.page.getByRole('alert').getByText('The answer got lost on its way.').waitFor();
  await who.page.route('**/api/v1/pats', (route) => route.fulfill({ status: 507, json: {} }), { times: 1 });
  await who.button('Create the token').click();
  await who.page.getByRole('alert').getByText('The server could not do it (507).').waitFor();
  for (const status of [500, 503]) {
    await who.page.route('**/api/v1/pats', (route) => route.fulfill({ status, json: {} }), { times: 1 });
    await who.button('Create the token').click();
    await who.page.getByRole('alert').getByText('The answer got lost on its way.').waitFor();
  }
  await who.button('Create the token').click();
  await who.reaches('made');
});

journey('tokens that end soon are pointed out, and found by name', async (arrive) => {
  const user = await User.withWorkspace();
  const inDays = (n) => new Date(Date.now() + n * 86_400_000).toISOString();
  await user.token({ name: 'soon', expiresAt: inDays(3) });
  for (const name of ['one', 'two', 'three', 'four', 'five']) await user.token({ name, expiresAt: inDays(60) });
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/tokens`, 'tokens');
  await who.page.getByText('One token expires within 14 days.').waitFor();
  await who.page.getByRole('link', { name: /soon.*Expires in 3 days/ }).waitFor();
  await who.page.getByRole('searchbox').fill('THR');
  assert.equal(await who.page.locator('.list li').count(), 1);
  await who.page.getByRole('searchbox').fill('nothing');
  await who.page.getByText('No token fits.').waitFor();
});

journey('a long list comes page by page, and what came meanwhile is not shown twice', async (arrive) => {
  const user = await User.withWorkspace();
  for (let i = 0; i < 104; ++i) await user.token({ name: `number ${i}` });
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/tokens`, 'tokens');
  const lines = who.page.locator('.list li');
  assert.equal(await lines.count(), 100);
  await user.token({ name: 'meanwhile' });
  await who.button('Show more (4 left)').click();
  await who.page.getByText('number 0', { exact: true }).waitFor();
  const names = await lines.locator('strong').allTextContents();
  assert.equal(names.length, 104);
  assert.equal(new Set(names).size, 104);
  await who.button('Show more (1 left)').click();
  await who.page.getByText('meanwhile', { exact: true }).waitFor();
  assert.equal(await lines.count(), 105);
});

journey('a reveal shows the budget, survives a lost answer, is confirmed, and says when there is none left', async (arrive) => {
  const own = await Node.start(['--set', 'reveal.per_pat=3']);
  try {
    const user = await User.withWorkspace('Revealing', own);
    const made = await user.token({ name: 'revealed' });
    const who = await arrive({}, own);
    await signIn(who, user.jwt, `/console#/w/${user.workspace}/tokens/${made.id}`, 'token');
    await who.page.getByText('3 reveals a minute.').waitFor();
    await who.button('Reveal').click();
    await who.page.getByText('2 of 3 reveals left this minute.').waitFor();
    assert.ok(!(await held(who)).includes(made.fullToken));
    await who.button('Show: Token').click();
    assert.equal(await who.page.locator('[data-test=value]').textContent(), made.fullToken);
    await who.button('Done, forget it').click();

    // An answer gets lost: the same key gets it again, at no cost, and after the confirmation nothing.
    const keys = [];
    const isReveal = (url) => url.pathname.endsWith('/reveal');
    await who.page.route(isReveal, async (route) => {
      keys.push([route.request().method(), route.request().headers()['idempotency-key']]);
      if (keys.length > 1) return route.continue();
      await route.fetch();
      await route.abort('connectionreset');
    });
    const confirmed = who.page.waitForResponse((answer) => answer.request().method() === 'DELETE');
    await who.button('Reveal').click();
    await who.button('Show: Token').click();
    assert.equal(await who.page.locator('[data-test=value]').textContent(), made.fullToken);
    assert.equal((await confirmed).status(), 204);
    assert.deepEqual(keys.map(([verb]) => verb), ['POST', 'POST', 'DELETE']);
    assert.equal(new Set(keys.map(([, key]) => key)).size, 1);
    await who.page.unroute(isReveal);
    await who.button('Done, forget it').click();

    await who.button('Reveal').click();
    await who.page.getByText('0 of 3 reveals left this minute.').waitFor();
    await who.button('Done, forget it').click();
    await who.button('Reveal').click();
    await who.page.getByRole('alert').getByText(/No reveal left for now\. Try again in \d+ seconds?\./).waitFor();
  } finally {
    await own.end();
  }
});

journey('what one person asked for is not asked again as the next one', async (arrive) => {
  const user = await User.withWorkspace();
  const made = await user.token({ name: 'mine' });
  const other = await User.withWorkspace();
  const who = await arrive();
  await who.page.clock.install();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/tokens/${made.id}`, 'token');
  const asked = [];
  await who.page.route((url) => url.pathname.endsWith('/reveal'), (route) => {
    asked.push(route.request().headers().authorization);
    return route.abort('connectionreset');
  });
  const again = () => who.page.waitForRequest((request) => request.url().endsWith('/reveal'));
  let next = again();
  await who.button('Reveal').click();
  await next;
  next = again();
  await next;
  await who.page.locator('.account summary').click();
  await who.button('Sign out').click();
  await who.reaches('signed-out');
  await paste(who, other.jwt);
  await who.reaches('refused'); // not a member of the first one's workspace
  await go(who, other, 'tokens', 'tokens');
  await who.page.clock.runFor('00:30'); // past everything the first one's page would have tried
  assert.ok(asked.length >= 2);
  assert.deepEqual([...new Set(asked)], [`Bearer ${user.jwt}`]);
});

journey('a rotation answers a new token and lets the old one end as chosen; a revocation ends it', async (arrive) => {
  const user = await User.withWorkspace();
  const made = await user.token({ name: 'turning' });
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/tokens/${made.id}`, 'token');
  const isGood = async (token) => (await fetch(`${node.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } })).status === 200;
  await who.page.getByLabel('The old one stays good for').selectOption('3600');
  await who.page.getByLabel('The old one also ends as soon as the new one is used').check();
  await who.button('Rotate the token').click();
  await who.page.getByText('Rotated. This is the new token:').waitFor();
  await who.button('Show: Token').click();
  const second = await who.page.locator('[data-test=value]').textContent();
  assert.match(second, tokenShape);
  assert.notEqual(second, made.fullToken);
  assert.ok(await isGood(made.fullToken));
  assert.ok(await isGood(second));
  assert.ok(!(await isGood(made.fullToken)), 'the new one has been used');
  await who.page.getByLabel('The old one stays good for').selectOption('0');
  await who.button('Rotate the token').click();
  await who.page.locator('.mask').waitFor();
  assert.equal(await who.page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Token');
  assert.ok(!(await isGood(second)));
  await who.button('Revoke the token').click();
  await who.button('Keep it').click();
  await who.button('Revoke the token').click();
  await who.page.getByText('Revoke “turning”?').waitFor();
  await who.button('Revoke', { exact: true }).click();
  await who.reaches('tokens');
  await who.page.getByText('“turning” is revoked.').waitFor();
  assert.equal((await user.call('GET', `/api/v1/pats/${made.id}`)).status, 404);
  await go(who, user, `tokens/${made.id}`, 'refused');
  await who.page.getByText('It is not there any more').waitFor();
});

journey('a rotation whose answers all got lost brings the same token when asked again, and warns where it would be a second one', async (arrive) => {
  const user = await User.withWorkspace();
  const made = await user.token({ name: 'turning' });
  const who = await arrive();
  await who.page.clock.install();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/tokens/${made.id}`, 'token');
  const isGood = async (token) => (await fetch(`${node.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } })).status === 200;
  const answers = await losing(who, 'POST', (url) => url.pathname.endsWith('/rotate'));
  const keys = () => new Set(answers.asked.map((each) => each.headers()['idempotency-key'])).size;
  const lost = who.page.getByRole('alert').getByText('The answer got lost on its way. Press again');
  const warning = who.page.getByRole('alert').getByText('It may already have been rotated.');
  const shown = async () => {
    await who.button('Show: Token').click();
    return who.page.locator('[data-test=value]').textContent();
  };
  await who.button('Rotate the token').click();
  await passUntil(who, lost);
  answers.on = false;
  await who.button('Rotate the token').click();
  const second = await shown();
  assert.equal(keys(), 1);
  assert.ok((await isGood(second)) && (await isGood(made.fullToken)), 'the overlap of the first rotation goes on');
  await who.button('Done, forget it').click();

  // Another rotation is none of the first one's, nor is one after the minute in which the key counts.
  answers.on = true;
  await who.button('Rotate the token').click();
  await passUntil(who, lost);
  assert.equal(keys(), 2);
  answers.on = false;
  const before = answers.asked.length;
  await who.page.getByLabel('The old one stays good for').selectOption('0');
  await who.button('Rotate the token').click();
  await warning.waitFor();
  await go(who, user, 'tokens', 'tokens');
  await go(who, user, `tokens/${made.id}`, 'token');
  await who.page.clock.fastForward(56_000);
  await who.button('Rotate the token').click();
  await warning.waitFor();
  await who.button('Reveal').last().click();
  const third = await shown();
  assert.equal(answers.asked.length, before);
  assert.ok((await isGood(third)) && (await isGood(second)));
  await who.button('Rotate it again').click();
  await who.page.getByText('Rotated. This is the new token:').waitFor();
  assert.equal(keys(), 3);
  assert.ok(!(await isGood(second)));
});

journey('service users and projects are made, and a service user’s token gets permissions and projects', async (arrive) => {
  const user = await User.withWorkspace();
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/projects`, 'projects');
  await who.button('New project').click();
  await who.page.getByLabel('Name').fill('Über Kasse 2');
  assert.equal(await who.page.getByLabel('Key').inputValue(), 'u-ber-kasse-2');
  await who.page.getByLabel('Key').fill('kasse');
  await who.button('Create the project').click();
  await who.page.getByText('Über Kasse 2').waitFor();
  await who.button('New project').click();
  await who.page.getByLabel('Name').fill('Kasse');
  await who.button('Create the project').click();
  await who.page.getByRole('alert').getByText('Another project has this key already.').waitFor();

  await go(who, user, 'service-users', 'service-users');
  assert.equal(who.calls('GET').filter((each) => each.url().endsWith(`/workspaces/${user.workspace}`)).length, 1, 'the workspace is asked for once');
  await who.button('New service user').click();
  await who.page.keyboard.type('Deploy bot');
  await who.button('Create', { exact: true }).click();
  await who.page.getByRole('link', { name: /Deploy bot/ }).click();
  await who.reaches('service-user');
  assert.equal(await who.page.locator('h1').textContent(), 'Deploy bot');
  for (let i = 0; i < 100; ++i) await user.does('POST', `/api/v1/workspaces/${user.workspace}/projects`, { name: `p${i}`, key: `p${i}`, version: '1' });
  await who.page.reload();
  await paste(who, user.jwt);
  await who.reaches('service-user');
  await who.button('New token').click();
  await who.page.getByLabel('Note').fill('releases');
  await who.page.getByRole('checkbox', { name: 'releases:deploy' }).check();
  const areProjects = (url) => url.pathname.endsWith('/projects');
  await who.page.route(areProjects, (route) => route.abort('connectionreset'));
  await who.page.getByRole('radio', { name: 'Only these' }).check();
  await who.button('Show more (1 left)').click();
  await who.page.getByRole('alert').getByText('The server cannot be reached').waitFor();
  await who.page.unroute(areProjects);
  await who.button('Try again').click();
  await who.button('Show more (1 left)').click();
  await who.page.getByRole('checkbox', { name: 'p99' }).waitFor();
  await who.button('Create the token').click();
  await who.page.getByRole('alert').getByText('Choose at least one project').waitFor();
  await who.page.getByRole('checkbox', { name: 'Über Kasse 2' }).check();
  await who.page.getByLabel('Expires').selectOption('week');
  await who.button('Create the token').click();
  await who.reaches('made');
  await who.button('Show: Token').click();
  assert.match(await who.page.locator('[data-test=value]').textContent(), /^nacre_pat_/);
  await who.button('Done, forget it').click();
  await who.reaches('service-user');
  const [account] = await user.does('GET', `/api/v1/workspaces/${user.workspace}/service-users`);
  const listed = async () => (await user.call('GET', `/api/users/service/${account.id}/personal-access-tokens`)).body;
  const [made] = await listed();
  assert.deepEqual([made.note, made.permissions, made.allProjects, made.projects.map((each) => each.key)], ['releases', ['releases:deploy'], false, ['kasse']]);
  await who.button('Rotate: releases').click();
  await who.page.getByLabel('The old one stays good for').selectOption('0');
  const answers = await losing(who, 'POST', (url) => url.pathname.endsWith('/rotate'), 503);
  await who.page.clock.install();
  await who.button('Rotate the token').click();
  await passUntil(who, who.page.getByRole('alert').getByText('The answer got lost on its way. Press again'));
  answers.on = false;
  await who.button('Rotate the token').click();
  await who.reaches('made');
  assert.equal(new Set(answers.asked.map((each) => each.headers()['idempotency-key'])).size, 1);
  await who.button('Done, forget it').click();
  await who.button('End it').click();
  await who.page.locator('form.ask button[type=submit]').click();
  await who.page.getByText('It has no token yet.').waitFor();
  assert.deepEqual(await listed(), []);
});

journey('a form that is closed leaves no error for the next time and gives the focus back', async (arrive) => {
  const user = await User.withWorkspace();
  const at = `/api/v1/workspaces/${user.workspace}`;
  const token = await user.token({ name: 'CI' });
  const service = (await user.does('POST', `${at}/service-users`, { name: 'Deploy bot' })).id;
  for (const name of ['ada', 'bob']) await user.does('PUT', `${at}/members/${randomUUID()}`, { role: 'member', email: `${name}@example.com` });
  for (const note of ['one', 'two']) await user.does('POST', `/api/users/service/${service}/personal-access-tokens`, { note, permissions: [], allProjects: true, projects: [], expiry: 'week' });
  const who = await arrive();
  await signIn(who, user.jwt);
  const focusAt = (text) => who.page.waitForFunction((what) => document.activeElement.textContent === what, text);
  // Opened, refused, closed and opened again.
  const twice = async (open, submit, heading) => {
    await open.click();
    await who.page.route((url) => url.pathname.startsWith('/api/'), (route) => route.fulfill({ status: 418, json: { message: 'Not today' } }), { times: 1 });
    await who.button(submit).click();
    await who.page.getByRole('alert').getByText('Not today').waitFor();
    await who.button('Cancel').click();
    await focusAt(heading);
    await open.click();
    assert.equal(await who.page.getByRole('alert').count(), 0);
    await who.button('Cancel').click();
  };
  await go(who, user, `tokens/${token.id}`, 'token');
  await twice(who.button('Change'), 'Save', 'CI');
  await go(who, user, 'members', 'members');
  await twice(who.button('Change: ada@example.com'), 'Save', 'Members');
  for (const name of ['ada', 'bob']) assert.equal(await who.page.getByRole('button', { name: `Remove: ${name}@example.com`, exact: true }).count(), 1);

  await go(who, user, `service-users/${service}`, 'service-user');
  await who.button('New token').click();
  await who.button('Cancel').click();
  await focusAt('Deploy bot');
  await who.button('Rotate: one').click();
  await who.page.waitForFunction(() => document.activeElement.labels?.[0]?.textContent === 'The old one stays good for');
  await who.page.getByRole('button', { name: 'End it: two', exact: true }).click();
  await who.page.locator('form.ask button[type=submit]').click();
  await focusAt('Deploy bot');
});

journey('what cannot be fetched at first can be asked for again', async (arrive) => {
  const user = await User.withWorkspace();
  const token = await user.token();
  const hook = await user.does('POST', `/api/v1/workspaces/${user.workspace}/webhooks`, { url: 'http://127.0.0.1:9/' });
  const service = await user.does('POST', `/api/v1/workspaces/${user.workspace}/service-users`, { name: 'Deploy bot' });
  const who = await arrive();
  await signIn(who, user.jwt);
  for (const [path, state, asked] of [[`tokens/${token.id}`, 'token', token.id], [`webhooks/${hook.id}`, 'webhook', hook.id], [`service-users/${service.id}`, 'service-user', 'personal-access-tokens']]) {
    await who.page.route((url) => url.pathname.endsWith(asked), (route) => route.abort('connectionreset'), { times: 1 });
    await go(who, user, path, 'refused');
    await who.button('Try again').click();
    await who.reaches(state);
  }
});

journey('after a lost answer the list is fetched again, and what is gone is told as gone', async (arrive) => {
  const user = await User.withWorkspace('First');
  const who = await arrive();
  const lost = who.page.getByRole('alert').getByText('Whether it acted is not known');
  const anywhere = (url) => url.pathname.startsWith('/api/');
  const posts = await losing(who, 'POST', anywhere, 503);
  await signIn(who, user.jwt);
  await who.button('New workspace').click();
  await who.page.getByLabel('Name').fill('Second');
  await who.button('Create the workspace').click();
  await lost.waitFor();
  await who.page.getByText('Second', { exact: true }).waitFor();
  await go(who, user, 'projects', 'projects');
  await who.button('New project').click();
  await who.page.getByLabel('Name').fill('Checkout');
  await who.button('Create the project').click();
  await lost.waitFor();
  await who.page.getByText('Checkout', { exact: true }).waitFor();
  await go(who, user, 'service-users', 'service-users');
  await who.button('New service user').click();
  await who.page.getByLabel('Name').fill('Deploy bot');
  await who.button('Create', { exact: true }).click();
  await lost.waitFor();
  await who.page.getByRole('link', { name: /Deploy bot/ }).click();
  await who.reaches('service-user');
  await who.button('New token').click();
  await who.page.getByLabel('Note').fill('for the pipeline');
  await who.button('Create the token').click();
  await lost.waitFor();
  await who.page.getByText('for the pipeline', { exact: true }).waitFor();
  assert.equal(posts.asked.length, 4);

  await losing(who, 'DELETE', anywhere, 503);
  const ask = who.page.locator('form.ask button[type=submit]');
  await who.button('Cancel').click();
  await who.button('End it').click();
  await ask.click();
  await who.page.getByText('It has no token yet.').waitFor();
  await user.does('PUT', `/api/v1/workspaces/${user.workspace}/members/${randomUUID()}`, { role: 'member', email: 'ada@example.com' });
  await go(who, user, 'members', 'members');
  await who.button('Remove').click();
  await ask.click();
  await who.page.getByText('ada@example.com is no longer a member.').waitFor();
  await go(who, user, 'settings', 'settings');
  await who.button('Delete the workspace').click();
  await who.page.locator('form.ask input').fill('First');
  await ask.click();
  await lost.waitFor();
  await who.page.unroute(anywhere);
  await ask.click();
  await who.reaches('workspaces');
  await who.page.getByText('“First” is deleted.').waitFor();
  // One who left is a stranger at the second try, too.
  const there = await User.withWorkspace('Third');
  await there.does('PUT', `/api/v1/workspaces/${there.workspace}/members/${user.id}`, { role: 'member' });
  const leaving = await losing(who, 'DELETE', anywhere, 503);
  await go(who, there, 'members', 'members');
  await who.button('Leave').click();
  await ask.click();
  await lost.waitFor();
  leaving.on = false;
  await ask.click();
  await who.reaches('workspaces');
});

// ---- webhooks ---------------------------------------------------------------------------------------

journey('a webhook shows its secret once, is tested, changed, switched off and deleted', async (arrive) => {
  const got = [];
  let heard;
  const receiver = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => (text += part)).on('end', () => {
      got.push({ headers: request.headers, text });
      response.writeHead(204).end();
      heard?.();
    });
  });
  await new Promise((done) => receiver.listen(0, '127.0.0.1', done));
  try {
    const user = await User.withWorkspace();
    const who = await arrive();
    const hooks = async () => user.does('GET', `/api/v1/workspaces/${user.workspace}/webhooks`);
    await signIn(who, user.jwt, `/console#/w/${user.workspace}/webhooks`, 'webhooks');
    await who.page.getByRole('link', { name: 'New webhook' }).click();
    await who.reaches('making');
    await who.page.getByLabel('URL').fill('http://10.0.0.1/x');
    await who.button('Create the webhook').click();
    await who.page.getByRole('alert').waitFor();
    await who.page.getByLabel('URL').fill(`http://127.0.0.1:${receiver.address().port}/nacre`);
    await who.page.getByRole('radio', { name: 'Only these' }).check();
    await who.button('Create the webhook').click();
    await who.page.getByRole('alert').getByText('Choose at least one event').waitFor();
    await who.page.getByRole('checkbox', { name: 'pat.revealed' }).check();
    await who.button('Create the webhook').click();
    await who.reaches('made');
    assert.doesNotMatch(await held(who), /whsec_/);
    await who.button('Show: Signing secret').click();
    const secret = await who.page.locator('[data-test=value]').textContent();
    assert.match(secret, /^whsec_/);
    await who.button('Done, forget it').click();
    await who.reaches('webhook');
    assert.ok(!(await held(who)).includes(secret));
    assert.deepEqual((await hooks())[0].events, ['pat.revealed']);

    const arrived = new Promise((done) => (heard = done));
    await who.button('Send a ping').click();
    await who.page.getByText('A ping is on its way.').waitFor();
    await arrived;
    const { headers, text } = got[0];
    assert.equal(headers['x-nacre-event'], 'ping');
    const [, time, signature] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(headers['x-nacre-signature']);
    assert.equal(signature, createHmac('sha256', secret).update(`${time}.${text}`).digest('hex'));
    await who.page.getByText(/^Last delivered:/).waitFor();

    await who.button('Change').click();
    await who.page.getByRole('radio', { name: 'All, also those to come' }).check();
    await who.button('Save').click();
    await who.page.getByText('Saved.').waitFor();
    assert.notDeepEqual((await hooks())[0].events, ['pat.revealed']);
    await who.button('New signing secret').click();
    await who.button('Show: Signing secret').click();
    assert.notEqual(await who.page.locator('[data-test=value]').textContent(), secret);
    await who.page.getByText('The former secret counts until').waitFor();
    await who.button('Switch off').click();
    await who.button('Switch on').waitFor();
    assert.equal(await who.button('Send a ping').count(), 0);
    assert.equal((await hooks())[0].enabled, false);
    await who.button('Delete').click();
    await who.page.locator('form.ask button[type=submit]').click();
    await who.reaches('webhooks');
    assert.deepEqual(await hooks(), []);
  } finally {
    receiver.closeAllConnections();
    await new Promise((done) => receiver.close(done));
  }
});

journey('a signing secret whose answer got lost is told as changed, and is not changed again unasked', async (arrive) => {
  const user = await User.withWorkspace();
  const hook = await user.does('POST', `/api/v1/workspaces/${user.workspace}/webhooks`, { url: 'http://127.0.0.1:9/' });
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/webhooks/${hook.id}`, 'webhook');
  const isHook = (url) => url.pathname.endsWith(hook.id);
  await who.page.route(isHook, (route) => route.fulfill({ status: 503, json: {} }), { times: 1 });
  await who.button('Look again').click();
  await who.page.getByRole('alert').getByText('The server could not do it (503).').waitFor();
  await who.button('Try again').click();
  await who.page.getByRole('alert').waitFor({ state: 'detached' });
  const answers = await losing(who, 'PATCH', isHook, 503);
  await who.button('New signing secret').click();
  await who.page.getByRole('alert').getByText('The secret was changed, but the new one got lost').waitFor();
  answers.on = false;
  await who.button('New signing secret').click();
  await who.page.getByText('Change the secret again?').waitFor();
  assert.equal(answers.asked.length, 1);
  await who.page.locator('form.ask button[type=submit]').click();
  await who.button('Show: Signing secret').waitFor();
});

// ---- audit ------------------------------------------------------------------------------------------

journey('the audit log is filtered, read page by page, and downloaded as it is', async (arrive) => {
  const user = await User.withWorkspace();
  for (let i = 0; i < 240; ++i) await user.does('PATCH', `/api/v1/workspaces/${user.workspace}`, { name: `n${i}` });
  const made = await user.token({ name: '=1+1' });
  const who = await arrive();
  await signIn(who, user.jwt, `/console#/w/${user.workspace}/audit`, 'audit');
  const shown = who.page.locator('[data-test=shown]');
  assert.equal(await shown.textContent(), '200 shown of 200 loaded; 242 in all.');
  await who.page.getByLabel('Action').selectOption('pat.create');
  assert.equal(await shown.textContent(), '1 shown of 200 loaded; 242 in all.');
  await who.page.locator('.log summary').click();
  await who.page.getByText(made.id).last().waitFor();
  await who.page.getByLabel('Action').selectOption('');
  await who.page.getByLabel('Find').fill('workspace.create');
  await who.page.getByText('Nothing here fits.').waitFor();
  await who.button('Load older ones').click();
  await who.page.getByText('1 shown of 242 loaded; 242 in all.').waitFor();
  assert.equal(await who.button('Load all').count(), 0);
  await who.page.getByLabel('Find').fill('');
  await who.page.getByLabel('To day').fill('2020-01-01');
  await who.page.getByText('Nothing here fits.').waitFor();
  await who.page.getByLabel('To day').fill('');

  const saved = async (button) => {
    const downloading = who.page.waitForEvent('download');
    await who.button(button).click();
    const download = await downloading;
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
  };
  await user.does('PATCH', `/api/v1/workspaces/${user.workspace}`, { name: 'meanwhile' });
  const raw = await (await fetch(`${node.url}/api/v1/audit?limit=1000`, { headers: { Authorization: `Bearer ${user.jwt}`, 'X-Workspace-Id': user.workspace } })).text();
  const lines = await saved('Download as JSON lines');
  assert.equal(lines.name, `audit-${user.workspace}.jsonl`);
  const entries = lines.text.trimEnd().split('\n');
  assert.equal(entries.length, 243);
  assert.equal(await shown.textContent(), '243 shown of 243 loaded; 243 in all.');
  for (const each of entries) assert.ok(raw.includes(each), 'byte for byte what the server keeps');
  assert.equal(JSON.parse(entries[0]).seq, 1);
  await who.page.getByLabel('Action').selectOption('workspace.create');
  const csv = await saved('Download as CSV');
  const [head, row, end] = csv.text.split('\r\n');
  assert.ok(head.startsWith('seq,time,action,outcome,') && row.startsWith('1,') && row.includes('workspace.create') && end === '');
});

// ---- the cluster ------------------------------------------------------------------------------------

const asOperator = ['--scope', 'nacre.cluster'];
const isCluster = (url) => url.pathname === '/api/v1/cluster';

// Five members in all states that there are, as the API describes them.
function troubled() {
  const member = (number, more) => ({
    node: number, address: `node-${number}.some.department.internal.example.com:7400`, self: false, role: 'follower', votes: true, connected: true, lastContactMs: 12, trouble: null,
    appliedIndex: 123_456, behind: 0, fetching: false, fetchedBytes: 0, certificateEndsAt: '2099-11-21T10:00:00.000Z', version: '0.1.0', clockAheadMs: 3, ...more,
  });
  const group = (number, leader) => ({ group: number, role: 'follower', leader, epoch: 3, term: 7 + number, commitIndex: 61_728, appliedIndex: 61_728, pending: 2 });
  const members = [
    member(1, { self: true, lastContactMs: 0 }),
    member(2, { role: 'leader', certificateEndsAt: new Date(Date.now() + 5.5 * 86_400_000).toISOString() }),
    member(3, { behind: 4_321, clockAheadMs: -7_200_000 }),
    member(4, { votes: false, role: 'unknown', connected: false, lastContactMs: 90_500, trouble: 'it has been silent for 2000 ms', appliedIndex: null, behind: null, certificateEndsAt: null, version: null, clockAheadMs: null }),
    member(5, { clockAheadMs: 2_000, votes: false, fetching: true, fetchedBytes: 12_500_000 }),
  ];
  return { mode: 'cluster', node: 1, name: 'node-1', version: '0.1.0', ready: true, reasons: [], clusterId: randomUUID(), epoch: 3, canLose: 0, members, groups: [group(0, 2), group(1, 2)] };
}

journey('an operator finds the cluster; nobody else is led there, and who goes is told why', async (arrive) => {
  const user = await User.withWorkspace();
  const other = await arrive();
  const answered = other.page.waitForResponse((response) => isCluster(new URL(response.url())));
  await signIn(other, user.jwt);
  assert.equal((await answered).status(), 403);
  await other.page.locator('.account summary').click();
  await other.page.locator('[data-test=my-id]').waitFor();
  assert.equal(await other.page.getByRole('link', { name: 'Cluster' }).count(), 0);
  await other.page.evaluate(() => (location.hash = '#/cluster'));
  await other.reaches('refused');
  await other.page.getByRole('alert').getByText('Only operators see the cluster.').waitFor();

  const who = await arrive();
  await signIn(who, new User(node, ...asOperator).jwt);
  await who.page.locator('main').getByRole('link', { name: 'Cluster' }).waitFor();
  await who.page.locator('.account summary').click();
  await who.page.locator('.menu').getByRole('link', { name: 'Cluster' }).click();
  await who.reaches('single');
  assert.equal(await who.page.locator('.account').evaluate((menu) => menu.open), false);
  await who.page.getByText('This is a single node').waitFor();
  await who.page.getByText('nacre cluster init').waitFor();
  // Who signs in after them is not taken for them.
  await who.page.locator('.account summary').click();
  await who.button('Sign out').click();
  await who.reaches('signed-out');
  await paste(who, user.jwt);
  await who.reaches('refused');
  assert.equal(await who.page.getByRole('link', { name: 'Cluster' }).count(), 0);
});

journey('the cluster is told member by member, goes on by itself while it is looked at, and only then', async (arrive) => {
  const who = await arrive();
  const now = troubled();
  let broken = false;
  let mute = false;
  await who.page.route(isCluster, (route) => {
    if (!mute) return broken ? route.abort('connectionreset') : route.fulfill({ json: { data: now } });
  });
  await who.page.clock.install();
  await signIn(who, new User(node, ...asOperator).jwt, '/console#/cluster', 'cluster');
  const health = who.page.locator('[data-test=health]');
  const member = (number) => who.page.locator(`[data-node="${number}"]`);
  assert.match(await health.textContent(), /2 members take no part/);
  const said = async (number, ...what) => {
    const text = (await member(number).innerText()).replace(/\s+/g, ' ');
    for (const each of what) assert.ok(text.includes(each), `${each} in ${text}`);
  };
  await said(1, 'this node', 'Follower', 'Votes', '123,456');
  await said(2, 'Leader', 'in 5 days');
  assert.doesNotMatch(await member(2).innerText(), /Clock/);
  await said(3, '4,321', 'Clock 2 hours behind', 'node-3.some.department.internal.example.com:7400', '2099');
  await said(4, 'Not connected', 'it has been silent for 2000 ms', '1 minute ago', 'Role unknown');
  await said(5, 'Clock 2 seconds ahead', 'Fetches the state', '12.5 MB');
  assert.match((await who.page.locator('[data-group="1"]').innerText()).replace(/\s+/g, ' '), /Led by node 2 Term 8 .*Commit index 61,728/);
  assert.match((await who.page.locator('main').innerText()).replace(/\s+/g, ' '), /members vote 3 of 5 more may fail 0 Epoch 3/);
  for (const each of ['add', 'remove', 'replace']) assert.ok((await who.page.locator('main').innerText()).includes(`nacre cluster ${each}`));
  assert.equal(await who.page.locator('main button').count(), 1, 'nothing to change here');

  now.members[4] = { ...now.members[4], fetching: false, votes: true };
  Object.assign(now.members[3], { connected: true, votes: true, role: 'follower' });
  now.canLose = 2;
  await who.page.clock.fastForward(3_100);
  await who.page.getByText('Every member takes part.').waitFor();
  now.groups[1].leader = null;
  Object.assign(now, { ready: false, reasons: ['cluster: no leader for 1 of 2 groups'] });
  await who.page.clock.fastForward(3_100);
  await health.getByText('No leader: changes wait').waitFor();
  await health.getByText('cluster: no leader for 1 of 2 groups').waitFor();
  now.reasons = ['cluster: this node was taken out'];
  now.members[0].self = false;
  await who.page.clock.fastForward(3_100);
  await health.getByText('The node that answers is not ready:').waitFor();
  assert.equal(await who.page.getByText('No leader').count(), 0, 'what it knows of the groups is old');
  now.members[0].self = true;
  now.groups[1].leader = 2;
  Object.assign(now, { ready: true, reasons: [] });
  await who.page.clock.fastForward(3_100);
  await who.page.getByText('Every member takes part.').waitFor();

  // What was heard last is not told in green, nor for long while nobody answers.
  const isGreen = () => health.evaluate((box) => box.classList.contains('good'));
  assert.ok(await isGreen());
  broken = true;
  await who.page.clock.fastForward(3_100);
  await who.page.getByRole('alert').getByText('What follows was so at').waitFor();
  await member(3).waitFor();
  assert.ok(!(await isGreen()));
  broken = false;
  await who.page.clock.fastForward(3_100);
  await who.page.getByRole('alert').waitFor({ state: 'detached' });
  assert.ok(await isGreen());
  mute = true;
  const unheard = who.page.waitForRequest((request) => isCluster(new URL(request.url())));
  await who.page.clock.fastForward(3_100);
  await unheard;
  await who.page.clock.fastForward(5_100);
  await who.page.getByRole('alert').getByText('What follows was so at').waitFor({ timeout: 5_000 });
  mute = false;
  await who.page.clock.fastForward(3_100);
  await who.page.getByRole('alert').waitFor({ state: 'detached' });

  const asked = () => who.calls('/cluster').length;
  await who.button('Pause').click();
  let before = asked();
  await who.page.clock.runFor(30_000);
  assert.equal(asked(), before);
  // The page's clock does not wait for its requests: they are waited for.
  const asks = () => who.page.waitForRequest((request) => isCluster(new URL(request.url())));
  let coming = asks();
  await who.button('Go on').click();
  await who.page.clock.runFor(6_500);
  await coming;
  const show = (state) => who.page.evaluate((to) => {
    Object.defineProperty(document, 'visibilityState', { value: to, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
  await show('hidden');
  before = asked();
  await who.page.clock.runFor(30_000);
  assert.ok(asked() <= before + 1, 'one may have been on its way');
  await Promise.all(who.calls('/cluster').map((each) => each.response()));
  coming = asks();
  await show('visible');
  await who.page.clock.runFor(100);
  await coming;
  await who.page.evaluate(() => (location.hash = '#/'));
  await who.reaches('workspaces');
  before = asked();
  await who.page.clock.runFor(30_000);
  assert.ok(asked() <= before + 1);
});

journey('a node whose own clock is wrong says so of itself, and not of the others', async (arrive) => {
  const who = await arrive();
  const now = troubled();
  await who.page.route(isCluster, (route) => route.fulfill({ json: { data: now } }));
  const user = new User(node, ...asOperator);
  const clocks = async (...ahead) => {
    now.members.forEach((each, i) => (each.clockAheadMs = ahead[i]));
    await who.visit('/');
    await signIn(who, user.jwt, '/console#/cluster', 'cluster');
    const all = await who.page.locator('[data-node]').allInnerTexts();
    return all.map((text) => /Clock\s+(.*)/.exec(text)?.[1] ?? '');
  };
  assert.deepEqual(await clocks(0, -300_000, -301_000, null, -420_000), ['5 minutes ahead', '', '', '', '']);
  assert.deepEqual(await clocks(0, 300_000, 7_200_000, null, null), ['5 minutes behind', '', '', '', '']);
  // Not when one of them agrees with it, when they are off different ways, or when there is only one.
  assert.deepEqual(await clocks(0, -300_000, -300_000, null, 1_999), ['', '5 minutes behind', '5 minutes behind', '', '']);
  assert.deepEqual(await clocks(0, -300_000, 300_000, null, null), ['', '5 minutes behind', '5 minutes ahead', '', '']);
  assert.deepEqual(await clocks(0, -300_000, null, null, null), ['', '5 minutes behind', '', '', '']);
});

journey('a node that waits to be taken in says that, and nothing of members it does not know', async (arrive) => {
  const who = await arrive();
  const { members, groups, ...rest } = troubled();
  const waits = { ...rest, ready: false, reasons: ['cluster: waits to be taken in: `nacre cluster add`'], clusterId: null, epoch: 0, members: [], groups: groups.map((each) => ({ ...each, leader: null })) };
  await who.page.route(isCluster, (route) => route.fulfill({ json: { data: waits } }));
  await signIn(who, new User(node, ...asOperator).jwt, '/console#/cluster', 'cluster');
  const text = await who.page.locator('main').innerText();
  for (const each of ['is not ready', 'waits to be taken in', 'This node']) assert.ok(text.includes(each), each);
  for (const each of ['members vote', 'more may fail', 'No leader']) assert.ok(!text.includes(each), each);
  assert.deepEqual(await who.page.locator('main h2').allInnerTexts(), ['At a glance', 'Changing members']);
});

// ---- for everybody ----------------------------------------------------------------------------------

const views = (user, token, hook, service) => [
  ['tokens', 'tokens'], ['tokens/new', 'making'], [`tokens/${token}`, 'token'], ['members', 'members'], ['service-users', 'service-users'],
  [`service-users/${service}`, 'service-user'], ['projects', 'projects'], ['webhooks', 'webhooks'], ['webhooks/new', 'making'], [`webhooks/${hook}`, 'webhook'],
  ['audit', 'audit'], ['settings', 'settings'],
].map(([to, state]) => [`#/w/${user.workspace}/${to}`, state]);

async function furnished() {
  const user = await User.withWorkspace('A workspace with a name that is long enough to wrap on a phone', node, ...asOperator);
  const at = `/api/v1/workspaces/${user.workspace}`;
  const token = (await user.token({ name: 'Averyveryverylongnamewithoutanyspaces'.repeat(2), scopes: ['read', 'write', 'admin'], allowedNetworks: ['2001:db8:1234:5678::/64'], maxUses: 5, expiresAt: new Date(Date.now() + 86_400_000).toISOString() })).id;
  await user.does('PUT', `${at}/members/${randomUUID()}`, { role: 'member', email: 'somebody.with.a.long.name@department.example.com' });
  const service = (await user.does('POST', `${at}/service-users`, { name: 'Deploy bot' })).id;
  await user.does('POST', `${at}/projects`, { name: 'Checkout', key: 'checkout', version: '1' });
  const hook = (await user.does('POST', `${at}/webhooks`, { url: `http://127.0.0.1:9/${'long'.repeat(20)}` })).id;
  return { user, all: [['#/cluster', 'single'], ...views(user, token, hook, service)] };
}

journey('nothing stands in the way of who cannot see or use a mouse, in light and in dark', async (arrive) => {
  const { user, all } = await furnished();
  for (const colorScheme of ['light', 'dark']) {
    const who = await arrive({ colorScheme });
    const check = async (where) => {
      await who.page.evaluate(axe);
      const { violations } = await who.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(serious.map(({ id, nodes }) => `${where} (${colorScheme}): ${id} at ${nodes.map(({ target }) => target).join(', ')}`), []);
    };
    await who.visit('/console');
    await who.reaches('signed-out');
    await who.button('Use this token').click();
    await check('sign in');
    await signIn(who, user.jwt);
    await who.page.locator('.account summary').click();
    await check('workspaces');
    for (const [hash, state] of all) {
      await who.page.evaluate((to) => (location.hash = to), hash);
      await who.reaches(state);
      await check(hash);
    }
    await who.button('Delete the workspace').click();
    await check('delete');
    await who.page.route(isCluster, (route) => route.fulfill({ json: { data: troubled() } }));
    await who.page.evaluate(() => (location.hash = '#/cluster'));
    await who.reaches('cluster');
    await check('cluster');
  }
});

journey('it is said in each language, and fits a phone', async (arrive) => {
  const { user, all } = await furnished();
  const who = await arrive({ viewport: { width: 360, height: 720 } });
  await signIn(who, user.jwt);
  const seen = new Set();
  for (const language of ['en', 'de', 'fr', 'es', 'pt', 'ja', 'zh']) {
    await who.page.locator('.language select').selectOption(language);
    assert.equal(await who.page.evaluate(() => document.documentElement.lang), language);
    for (const [hash, state] of [['#/', 'workspaces'], ...all]) {
      await who.page.evaluate((to) => (location.hash = to), hash);
      await who.reaches(state);
      const said = await who.page.locator('body').innerText();
      assert.ok(!/undefined|\[object|NaN|=>/.test(said), `${language} ${hash}: ${said}`);
      const wide = await who.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 360, `${language} ${hash} is ${wide} wide`);
    }
    seen.add(await who.page.locator('h1').textContent());
    await who.page.route(isCluster, (route) => route.fulfill({ json: { data: troubled() } }));
    await who.page.evaluate(() => (location.hash = '#/cluster'));
    await who.reaches('cluster');
    assert.doesNotMatch(await who.page.locator('body').innerText(), /undefined|\[object|NaN|=>/, language);
    assert.ok((await who.page.evaluate(() => document.documentElement.scrollWidth)) <= 360, `${language} cluster`);
    await who.page.unroute(isCluster);
    await who.page.evaluate(() => (location.hash = '#/'));
    await who.reaches('workspaces');
  }
  assert.equal(seen.size, 7);
  await who.page.evaluate(() => localStorage.clear());
});

journey('the keyboard is enough, and focus goes where something happened', async (arrive) => {
  const user = await User.withWorkspace('By hand', node, ...asOperator);
  const who = await arrive();
  await who.visit('/console');
  await who.reaches('signed-out');
  const press = (key) => who.page.keyboard.press(key);
  const focused = () => who.page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.innerText.trim() ?? document.activeElement.innerText?.trim() ?? '');
  const reach = async (what) => {
    for (let i = 0; i < 40; ++i) {
      const now = await focused();
      if (typeof what === 'string' ? now === what : what.test(now)) return;
      await press('Tab');
    }
    assert.fail(`no Tab leads to ${what}`);
  };
  await reach('Token');
  await who.page.keyboard.insertText(user.jwt);
  await press('Enter');
  await who.reaches('workspaces');
  assert.equal(await focused(), 'Workspaces');
  await reach('Cluster');
  await press('Enter');
  await who.reaches('single');
  assert.equal(await focused(), 'Cluster');
  await reach('← All workspaces');
  await press('Enter');
  await who.reaches('workspaces');
  await reach(/^By hand/);
  await press('Enter');
  await who.reaches('tokens');
  assert.equal(await focused(), 'Tokens');
  await reach('New token');
  await press('Enter');
  await who.reaches('making');
  assert.equal(await focused(), 'New token');
  await reach('Name');
  await who.page.keyboard.type('typed');
  await press('Enter');
  await who.reaches('made');
  assert.equal(await focused(), 'The token is ready');
  await reach('Show: Token');
  await press('Space');
  assert.match(await who.page.locator('[data-test=value]').textContent(), tokenShape);
  await reach('Done, forget it');
  await press('Enter');
  await who.reaches('tokens');
  await reach(/^typed/);
  await press('Enter');
  await who.reaches('token');
  await reach('Reveal');
  await press('Enter');
  await who.page.waitForFunction(() => document.activeElement.getAttribute('aria-label') === 'Token');
  await reach('Done, forget it');
  await press('Enter');
  await who.page.waitForFunction(() => document.activeElement.textContent === 'typed');
  await reach('Revoke the token');
  await press('Enter');
  assert.equal(await focused(), 'Revoke “typed”?');
  await reach('Keep it');
  await press('Enter');
  await who.page.waitForFunction(() => document.activeElement.textContent === 'Revoke the token');
  // And past the navigation at once.
  await who.page.reload();
  await who.reaches('signed-out');
  await press('Tab');
  assert.equal(await focused(), 'To the content');
});

});

// What the pages promise, journey by journey, in a real browser against the real node.
import assert from 'node:assert/strict';
import { createDecipheriv, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createRequire } from 'node:module';
import { journeysIn, lan, launch, Node } from './kit.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const golden = JSON.parse(readFileSync(new URL('sealed.json', import.meta.url), 'utf8'));
const nowhere = 'a'.repeat(43);

let node;
let browser;

before(async () => {
  [node, browser] = await Promise.all([Node.start(), launch()]);
}, { timeout: 60_000 });

after(async () => {
  await browser?.close();
  await node?.end();
}, { timeout: 60_000 });

const journey = journeysIn(() => ({ node, browser }));

// Lets `times` requests reach the node and their answers get lost on the way back.
async function loseAnswers(who, pattern, times) {
  const lost = [];
  await who.page.route(pattern, async (route) => {
    if (lost.length >= times) return route.fallback();
    const acted = await route.fetch();
    lost.push({ status: acted.status(), key: route.request().headers()['idempotency-key'] });
    await route.abort('connectionreset');
  });
  return lost;
}

const isReveal = (url) => url.pathname.endsWith('/reveal');
const isBurn = (url) => url.pathname.endsWith('/burn');
const isReceipt = (url) => /^\/api\/v2\/guest\/receipt\/[^/]+$/.test(url.pathname);

describe('the pages', { concurrency: 2 }, () => {

// ---- what is served ---------------------------------------------------------------------------------

test('every page forbids what it does not need, and is kept nowhere', async () => {
  for (const path of ['/', '/s', '/ask', '/r', `/secret/${nowhere}`, `/receipt/${nowhere}`, '/secret/%41%20', '/secret/x;y']) {
    const page = await fetch(node.url + path);
    assert.equal(page.status, 200, path);
    const header = (name) => page.headers.get(name) ?? '';
    const policy = header('content-security-policy');
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"])
      assert.ok(policy.includes(rule), `${path}: ${rule}`);
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
    assert.equal(header('cache-control'), 'no-store');
    assert.equal(header('referrer-policy'), 'no-referrer');
    assert.equal(header('x-content-type-options'), 'nosniff');
    assert.equal(header('cross-origin-opener-policy'), 'same-origin');
    assert.equal(header('cross-origin-resource-policy'), 'same-origin');
    assert.ok(header('permissions-policy').includes('camera=()'));
    assert.ok(header('x-robots-tag').includes('noindex'));
    assert.equal(header('content-type'), 'text/html; charset=utf-8');
    assert.equal(header('set-cookie'), '');
    assert.equal(header('server-timing'), 'gives-up;dur=15000');
    const html = await page.text();
    assert.ok(!/<script(?![^>]*\bsrc=)|<style|\son\w+=|style=|https?:\/\//.test(html), `${path}: something inline or foreign`);
    assert.ok(html.includes('property="og:title" content="nacre"') && !html.includes(nowhere));
  }
});

test('what pages load never changes under its name, and comes compressed where that is asked for', async () => {
  const html = await (await fetch(`${node.url}/`)).text();
  const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((m) => m[1]);
  assert.ok(assets.length >= 2);
  for (const path of [...assets, '/favicon.svg', '/favicon.ico', '/robots.txt']) {
    const whole = await fetch(node.url + path, { headers: { 'Accept-Encoding': 'identity' } });
    assert.equal(whole.status, 200, path);
    assert.equal(whole.headers.get('content-encoding'), null);
    assert.equal(whole.headers.get('vary'), 'Accept-Encoding');
    assert.equal(whole.headers.get('x-content-type-options'), 'nosniff');
    assert.match(whole.headers.get('cache-control'), path.startsWith('/assets/') ? /immutable/ : /max-age=86400/);
    const bytes = Buffer.from(await whole.arrayBuffer());
    const smaller = gzipSync(bytes, { level: 9 }).length < bytes.length * 0.9; // else not worth it
    const { createConnection } = await import('node:net');
    for (const [accepted, packed] of [['gzip', true], ['br, GZIP;q=0.5', true], ['gzip;q=0', false], ['gzip; q=0.000', false], ['br', false]]) {
      const raw = await new Promise((done, failed) => {
        const parts = [];
        const socket = createConnection(node.port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${accepted}\r\nConnection: close\r\n\r\n`));
        socket.on('data', (part) => parts.push(part)).on('end', () => done(Buffer.concat(parts))).on('error', failed);
      });
      const at = raw.indexOf('\r\n\r\n');
      const head = raw.subarray(0, at).toString();
      const body = raw.subarray(at + 4);
      const isPacked = /content-encoding: gzip/i.test(head);
      if (path.startsWith('/assets/')) assert.equal(isPacked, packed && smaller, `${path} ${accepted}`);
      assert.deepEqual(isPacked ? gunzipSync(body) : body, bytes);
    }
    const again = await fetch(node.url + path, { headers: { 'If-None-Match': whole.headers.get('etag'), 'Accept-Encoding': 'identity' } });
    assert.equal(again.status, 304);
    const head = await fetch(node.url + path, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), '');
  }
  assert.match(await (await fetch(`${node.url}/robots.txt`)).text(), /Disallow: \/\n/);
});

test('other addresses and methods are refused in the words of the API', async () => {
  for (const path of ['/nothing', '/assets/nothing.js', '/assets/', '/s/', '/secret', '/secret/', '/receipt/', `/secret/${nowhere}/x`, '/share.html', '/assets/%41']) {
    const answer = await fetch(node.url + path).catch((error) => error);
    assert.equal(answer.status, path.includes('%') ? 400 : 404, path);
    assert.match(answer.headers.get('content-type'), /^application\/json/);
    assert.match((await answer.json()).code, /^(not_found|invalid_request|bad_request)$/, path);
  }
  for (const path of ['/', '/s', `/secret/${nowhere}`]) {
    const answer = await fetch(node.url + path, { method: 'POST' });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get('allow'), 'GET, HEAD');
  }
});

test('the script of every page is less than 60 kB compressed', async () => {
  for (const path of ['/s', '/', '/receipt/x', '/ask', '/r']) {
    const html = await (await fetch(node.url + path)).text();
    const scripts = new Set([...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((m) => m[1]));
    let sum = 0;
    for (const each of scripts) {
      const text = await (await fetch(node.url + each)).text();
      sum += gzipSync(text).length;
      assert.ok(!/import\(/.test(text), `${each} loads more later`);
    }
    console.log(`# ${path}: ${sum} bytes of script in ${scripts.size} files`);
    assert.ok(scripts.size > 0 && sum < 60_000, `${path}: ${sum}`);
  }
});

// ---- share and open ---------------------------------------------------------------------------------

journey('a secret is sealed in the browser, opened once in another, and its receipt turns', async (arrive) => {
  const sender = await arrive();
  const reader = await arrive();
  const text = 'pässword: 七 🐚\n\tsecond line  ';
  const { link, path, receiptPath } = await sender.share(text);
  assert.match(path, /^\/s#1[A-Za-z0-9_-]{90,}$/);
  const key = path.slice('/s#1'.length).slice(0, 43);
  for (const request of sender.requests) {
    const sent = `${request.url()} ${JSON.stringify(request.headers())} ${request.postData() ?? ''}`;
    assert.ok(!sent.includes('second line') && !sent.includes(key), 'text or key left the browser');
  }
  assert.equal(await sender.page.locator('svg.qr').getAttribute('aria-label'), 'QR code of the link');

  const watching = await sender.context.newPage();
  await watching.goto(node.url + receiptPath);
  await watching.locator('main[data-state=waiting]').waitFor();
  await reader.visit(path);
  await reader.reaches('ready');
  assert.equal(reader.calls('POST').length, 0);
  await reader.clickOpen();
  await reader.reaches('shown');
  assert.ok(!(await reader.page.content()).includes('second line'), 'masked until asked for');
  assert.equal(await reader.read(), text);
  assert.ok(!reader.page.url().includes('#'), 'the key has left the address');
  for (const request of reader.requests) assert.ok(!request.url().includes(key) && !(request.postData() ?? '').includes(key));
  await watching.locator('main[data-state=opened]').waitFor();
  await watching.getByText('Somebody has opened the link.').waitFor();
  assert.equal(await watching.getByRole('button', { name: 'Burn it unread' }).count(), 0);

  const late = await arrive();
  await late.visit(link.slice(node.url.length));
  await late.reaches('gone');
});

journey('what is sealed on the server opens by the API and by the page', async (arrive) => {
  const sender = await arrive();
  const first = await sender.share('for a program', { where: 'On the server' });
  assert.match(first.path, /^\/secret\/[A-Za-z0-9]{20,}$/);
  const { status, body } = await node.call('POST', `${first.path}/reveal`, { continue: 'true' });
  assert.equal(status, 200);
  assert.equal(body.record.secret_value, 'for a program');
  const second = await sender.share('for a person', { where: 'On the server' });
  const reader = await arrive();
  await reader.visit(second.path);
  await reader.reaches('ready');
  await reader.clickOpen();
  assert.equal(await reader.read(), 'for a person');
  await reader.goTo('#anything'); // of no link like this
  assert.equal(await reader.reaches('shown', 'checking', 'gone'), 'shown');
});

journey('a program that knows the format opens what a browser sealed', async (arrive) => {
  const sender = await arrive();
  const text = 'x'.repeat(63) + 'é';
  const { path } = await sender.share(text);
  const bytes = Buffer.from(path.slice('/s#1'.length, '/s#1'.length + 48), 'base64url');
  const identifier = path.slice('/s#1'.length + 48);
  const key = bytes.subarray(0, 32);
  const check = createHash('sha256').update('nacre link 1\0').update(key).update(identifier).digest().subarray(0, 4);
  assert.deepEqual(bytes.subarray(32), check);
  const { body } = await node.call('POST', `/secret/${identifier}/reveal`, { continue: 'true' });
  const value = body.record.secret_value;
  assert.ok(value.startsWith('nacre1.'));
  const sealed = Buffer.from(value.slice('nacre1.'.length), 'base64url');
  const open = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from('nacre text 1')).setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([open.update(sealed.subarray(12, -16)), open.final()]);
  assert.equal(plain.length % 64, 0);
  assert.equal(plain.subarray(0, plain.lastIndexOf(0x80)).toString(), text);
});

journey('links and texts sealed by the first version open for ever', async (arrive) => {
  const reader = await arrive();
  await reader.page.route('**/api/v2/guest/secret/**', (route) => {
    const { pathname } = new URL(route.request().url());
    assert.ok(pathname.includes(golden.identifier));
    if (route.request().method() === 'DELETE') return route.fulfill({ status: 204 });
    const value = route.request().method() === 'POST' ? { secret_value: golden.sealed } : {};
    return route.fulfill({ json: { record: { has_passphrase: 'false', ...value } } });
  });
  await reader.visit(`/s#${golden.fragment}`);
  await reader.reaches('ready');
  await reader.clickOpen();
  assert.equal(await reader.read(), golden.text);
});

journey('a passphrase is asked for, wrong ones are counted in words, and a lock is explained', async (arrive) => {
  const sender = await arrive();
  const reader = await arrive();
  const { path, receiptPath } = await sender.share('behind a word', { passphrase: 'sesame' });
  await reader.visit(path);
  await reader.reaches('ready');
  const field = reader.page.getByRole('textbox', { name: 'Passphrase' });
  const tried = async (passphrase) => {
    await field.fill(passphrase);
    const answered = reader.page.waitForResponse((answer) => isReveal(new URL(answer.url())));
    await reader.clickOpen();
    await answered;
    await reader.reaches('ready');
    return reader.page.getByRole('alert').textContent();
  };
  for (const left of ['Up to 4 tries', 'Up to 3 tries', 'Up to 2 tries', 'One try', 'it was the last try'])
    assert.ok((await tried('wrong')).includes(left), left);
  assert.match(await tried('sesame'), /Locked after too many wrong passphrases\. Try again in (30|29) minutes\. The secret is still there\./);
  await sender.visit(receiptPath);
  await sender.reaches('waiting');
  const other = await arrive();
  const again = await other.share('second', { passphrase: 'sesame' });
  await reader.goTo(again.path);
  await reader.reaches('ready');
  assert.equal(await field.inputValue(), '', 'it was typed for another link');
  await field.fill('sesame');
  await reader.clickOpen();
  assert.equal(await reader.read(), 'second');
});

journey('one press is one try of a passphrase, also when its answer gets lost', async (arrive) => {
  const sender = await arrive();
  const { path } = await sender.share('one try a press', { passphrase: 'sesame' });
  const reader = await arrive();
  await reader.visit(path);
  await reader.reaches('ready');
  const lost = await loseAnswers(reader, isReveal, 2);
  const tried = async (passphrase, words) => {
    await reader.page.getByRole('textbox', { name: 'Passphrase' }).fill(passphrase);
    await reader.clickOpen();
    await reader.page.getByRole('alert').getByText(words).waitFor();
  };
  await tried('wrong', 'There is still no answer.');
  assert.equal(reader.calls('/reveal').length, 1);
  await tried('sesame', 'There is still no answer.');
  await tried('mistyped', 'Up to 2 tries are left.');
  await reader.page.getByRole('textbox', { name: 'Passphrase' }).fill('sesame');
  await reader.clickOpen();
  assert.equal(await reader.read(), 'one try a press');
  assert.deepEqual(lost.map(({ status }) => status), [422, 200]);
  assert.equal(new Set(reader.calls('/reveal').filter((each) => each.method() === 'POST').map((each) => each.headers()['idempotency-key'])).size, 1);

  await sender.share('burned by one try', { passphrase: 'sesame' });
  const burns = await loseAnswers(sender, isBurn, 1);
  await sender.button('Burn it unread').click();
  await sender.page.getByLabel('Passphrase of the secret').fill('sesame');
  await sender.button('Burn').click();
  await sender.page.getByRole('alert').getByText('The server does not answer.').waitFor();
  assert.deepEqual([burns.map(({ status }) => status), sender.calls('/burn').length], [[200], 1]);
  await sender.button('Burn').click();
  await sender.reaches('burned');
});

journey('a made-up password is long, never the same, and shared like any text', async (arrive) => {
  const sender = await arrive();
  await sender.visit('/');
  const seen = new Set();
  for (let i = 0; i < 3; ++i) {
    await sender.button('Make up a password').click();
    const made = await sender.page.getByRole('textbox', { name: 'Your secret' }).inputValue();
    assert.match(made, /^[A-HJ-NP-Za-km-z2-9]{24}$/);
    seen.add(made);
  }
  assert.equal(seen.size, 3);
});

journey('the count is of bytes, and ends where the server would refuse', async (arrive) => {
  const sender = await arrive();
  await sender.visit('/');
  const field = sender.page.getByRole('textbox', { name: 'Your secret' });
  const submit = sender.button('Create the link');
  await field.fill('é'.repeat(3_711) + 'x'); // 7,423 bytes
  await sender.page.getByText('7,423 of 7,423 bytes').waitFor();
  await submit.click();
  await sender.reaches('shared');
  await sender.button('Share another').click();
  await field.fill('x'.repeat(7_424));
  await sender.page.getByText('Too long by 1 bytes. Sealed on the server it may have 10,000 bytes.').waitFor();
  assert.ok(await submit.isDisabled());
  await sender.page.getByRole('radio', { name: 'On the server' }).check();
  await field.fill('x'.repeat(10_001));
  await sender.page.getByText('Too long by 1 bytes.').waitFor();
  await field.fill('x'.repeat(10_000));
  await submit.click();
  await sender.reaches('shared');
});

journey('the rule for passphrases is told in the reader’s language, and nothing is sent that breaks it', async (arrive) => {
  const sender = await arrive({ locale: 'ja' });
  await sender.visit('/');
  await sender.page.locator('#text').fill('見せない');
  for (const tooShort of ['abc', '合言葉', '🔑🔑🔑']) {
    await sender.page.locator('#passphrase').fill(tooShort);
    await sender.page.locator('button.main').click();
    await sender.page.getByRole('alert').getByText('4〜128 文字').waitFor();
    assert.equal(await sender.focused(), 'passphrase');
  }
  assert.deepEqual(sender.calls(), []);
  await sender.page.locator('#passphrase').fill('🔑🔑🔑🔑');
  await sender.page.locator('button.main').click();
  await sender.reaches('shared');
});

journey('a rule that only the server knows is told in its own words, and the text stays', async (arrive) => {
  const own = await Node.start(['--set', 'onetime.secret_bytes_max=100']);
  try {
    const sender = await arrive({}, own);
    await sender.visit('/');
    await sender.page.getByRole('textbox', { name: 'Your secret' }).fill('kept');
    await sender.button('Create the link').click();
    await sender.page.getByRole('alert').getByText('Secret content must be no more than 100 bytes long').waitFor();
    assert.equal(await sender.page.getByRole('textbox', { name: 'Your secret' }).inputValue(), 'kept');
  } finally {
    await own.end();
  }
});

journey('what keeps the server from taking it is told, and the text stays', async (arrive) => {
  const sender = await arrive();
  await sender.visit('/');
  await sender.button('Create the link').click();
  await sender.page.getByRole('alert').getByText('There is nothing to share yet.').waitFor();
  await sender.page.getByRole('textbox', { name: 'Your secret' }).fill('kept');
  const told = [
    [{ status: 422, json: { message: 'Secret must be at most 100 bytes long' } }, 'Secret must be at most 100 bytes long'],
    [{ status: 429, headers: { 'Retry-After': '7', 'RateLimit-Policy': '"guest_create";q=60;w=60' }, json: {} }, 'Too many requests from your network. Try again in 7 seconds.'],
    [{ status: 403, json: { code: 'GUEST_CONCEAL_DISABLED' } }, 'This server does not offer this to guests.'],
    [{ status: 507, json: {} }, 'This server has no room'],
    [{ status: 500, json: {} }, 'The server could not do it (500).'],
    [{ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }, 'No answer came. Your text is still here; try again. It may have been stored'],
    [null, 'No answer came. Your text is still here; try again. It may have been stored'],
  ];
  for (const [answer, words] of told) {
    await sender.page.route('**/conceal', (route) => (answer ? route.fulfill(answer) : route.abort()), { times: 1 });
    await sender.button('Create the link').click();
    await sender.page.getByRole('alert').getByText(words).waitFor();
    assert.equal(await sender.page.getByRole('textbox', { name: 'Your secret' }).inputValue(), 'kept');
  }
  await sender.button('Create the link').click();
  await sender.reaches('shared');
});

journey('while the link is made nothing can be typed, and no passphrase is claimed that was not sent', async (arrive) => {
  const sender = await arrive();
  await sender.visit('/');
  const text = sender.page.getByRole('textbox', { name: 'Your secret' });
  const passphrase = sender.page.getByRole('textbox', { name: 'Passphrase (optional)' });
  await text.fill('as it was');
  for (const end of [(route) => route.fulfill({ status: 507, json: {} }), (route) => route.continue()]) {
    let letThrough;
    const held = new Promise((done) => (letThrough = done));
    await sender.page.route('**/conceal', async (route) => {
      await held;
      await end(route);
    }, { times: 1 });
    await sender.button('Create the link').click();
    await sender.button('Sealing…').waitFor();
    for (const field of [text, passphrase]) {
      await field.focus();
      await sender.page.keyboard.type('sesame');
      assert.equal(await field.inputValue(), field === text ? 'as it was' : '');
    }
    for (const choice of [sender.button('Make up a password'), sender.page.getByLabel('Expires after'), ...await sender.page.getByRole('radio').all()])
      assert.ok(await choice.isDisabled());
    letThrough();
    await sender.button('Sealing…').waitFor({ state: 'detached' });
  }
  await sender.reaches('shared');
  assert.equal(await sender.page.getByText('The reader will also need the passphrase.').count(), 0);
});

// ---- burn -------------------------------------------------------------------------------------------

journey('burning is asked twice, works where the link was made and on the receipt, and wants the passphrase', async (arrive) => {
  const sender = await arrive();
  const reader = await arrive();
  const first = await sender.share('burn me');
  await sender.button('Burn it unread').click();
  await sender.button('Keep it').click();
  assert.equal(await node.stateOf(first.receiptPath.slice('/receipt/'.length)), 'new');
  await sender.button('Burn it unread').click();
  await sender.button('Burn').click();
  await sender.reaches('burned');
  await reader.visit(first.path);
  await reader.reaches('gone');

  const second = await sender.share('burn me, too', { passphrase: 'sesame' });
  await sender.visit(second.receiptPath);
  await sender.reaches('waiting');
  await sender.button('Burn it unread').click();
  await sender.page.getByLabel('Passphrase of the secret').fill('wrong');
  await sender.button('Burn').click();
  await sender.page.getByRole('alert').getByText('That is not the passphrase.').waitFor();
  await sender.page.getByLabel('Passphrase of the secret').fill('sesame');
  await sender.button('Burn').click();
  await sender.reaches('burned');
  await reader.visit(second.path);
  await reader.reaches('gone');
  await sender.visit(`/receipt/${nowhere}`);
  await sender.reaches('gone');
  await sender.visit('/receipt/%20x');
  await sender.reaches('gone');
});

journey('what was read while the burn got no answer is not called burned, and what the lost try burned is', async (arrive) => {
  const away = (route) => route.fulfill({ status: 503, json: { code: 'busy', message: '' } });
  const burns = [
    // what becomes of the first try, of the secret then, and what the page says
    [away, 'read', 'gone', 'There was nothing left to burn'],
    [(route) => route.fetch().then(() => route.abort('connectionreset')), 'left', 'burned', 'Burned. The link opens nothing any more.'],
  ];
  for (const [first, then, state, words] of burns) {
    const sender = await arrive();
    const { path } = await sender.share('burned or read', { where: 'On the server' });
    await sender.page.route(isBurn, async (route) => {
      await first(route);
      if (then === 'read') assert.equal((await node.call('POST', `${path}/reveal`, { continue: 'true' })).status, 200);
    }, { times: 1 });
    await sender.page.route(isReceipt, (route) => route.abort(), { times: 1 });
    await sender.button('Burn it unread').click();
    await sender.button('Burn').click();
    assert.equal(await sender.reaches('burned', 'gone'), state);
    await sender.page.getByRole('status').getByText(words).waitFor();
  }

  const sender = await arrive();
  await sender.share('nobody knows');
  await sender.page.route(isBurn, (route) => route.fulfill({ status: 404, json: {} }));
  await sender.page.route(isReceipt, (route) => route.fulfill({ status: 429, json: {} }));
  await sender.button('Burn it unread').click();
  await sender.button('Burn').click();
  await sender.page.getByRole('alert').getByText('The server does not answer.').waitFor();
  assert.equal(await sender.reaches('shared', 'burned', 'gone'), 'shared');
});

journey('while a burn gets no answer the page says that it keeps trying', async (arrive) => {
  const sender = await arrive();
  await sender.share('burned at last');
  await sender.page.route(isBurn, (route) => route.abort('connectionrefused'));
  await sender.button('Burn it unread').click();
  await sender.button('Burn').click();
  await sender.page.getByRole('status').getByText('The page keeps trying.').waitFor();
  await sender.page.unroute(isBurn);
  await sender.reaches('burned');
});

// ---- exactly one reader, and not lost ---------------------------------------------------------------

journey('of two browsers that race for one link exactly one reads it', async (arrive) => {
  const racers = [await arrive(), await arrive()];
  for (let round = 0; round < 4; ++round) {
    const { secret } = await node.conceal(`round ${round}`);
    await Promise.all(racers.map((who) => who.visit(`/secret/${secret}`).then(() => who.reaches('ready'))));
    await Promise.all(racers.map((who) => who.clickOpen()));
    const ends = await Promise.all(racers.map((who) => who.reaches('shown', 'gone')));
    assert.deepEqual([...ends].sort(), ['gone', 'shown']);
    assert.equal(await racers[ends.indexOf('shown')].read(), `round ${round}`);
  }
});

journey('loading, reloading, previews and prefetches consume nothing', async (arrive) => {
  const { secret, receipt } = await node.conceal('still here');
  for (const path of [`/secret/${secret}`, '/s']) {
    for (const agent of ['Slackbot-LinkExpanding 1.0', 'WhatsApp/2.23', 'facebookexternalhit/1.1', 'Mozilla/5.0']) {
      for (const method of ['GET', 'HEAD']) {
        const page = await fetch(node.url + path, { method, headers: { 'User-Agent': agent, 'Sec-Purpose': 'prefetch;prerender', Purpose: 'prefetch' } });
        assert.equal(page.status, 200);
        const html = await page.text();
        assert.ok(!html.includes(secret));
      }
    }
  }
  const preview = { 'User-Agent': 'Slackbot-LinkExpanding 1.0' };
  for (const verb of ['GET', 'HEAD']) await fetch(`${node.url}/api/v2/guest/secret/${secret}`, { method: verb, headers: preview });
  assert.equal((await node.call('GET', `/receipt/${receipt}`)).body.details.view_count, 0);

  const reader = await arrive();
  // Prepared ahead of a click: the page is there and has not even looked.
  await reader.page.addInitScript(() => {
    let prepared = true;
    Object.defineProperty(Document.prototype, 'prerendering', { configurable: true, get: () => prepared });
    globalThis.arrive = () => {
      prepared = false;
      document.dispatchEvent(new Event('prerenderingchange'));
    };
  });
  await reader.visit(`/secret/${secret}`);
  assert.equal(reader.calls().length, 0);
  await reader.page.evaluate(() => globalThis.arrive());
  await reader.reaches('ready');
  for (let i = 0; i < 3; ++i) {
    await reader.page.reload();
    await reader.page.evaluate(() => globalThis.arrive());
    await reader.reaches('ready');
  }
  assert.ok(await node.isStillThere(secret));
  await reader.clickOpen();
  assert.equal(await reader.read(), 'still here');
});

journey('after that the page forgets: reload, back, done', async (arrive) => {
  const sender = await arrive();
  const { path } = await sender.share('seen once only');
  const reader = await arrive();
  await reader.visit(path);
  await reader.reaches('ready');
  // Before the click: the confirmation may be answered before this script goes on.
  const confirmed = reader.page.waitForResponse((answer) => answer.request().method() === 'DELETE');
  await reader.clickOpen();
  assert.equal(await reader.read(), 'seen once only');
  assert.equal((await confirmed).status(), 204);
  await reader.page.reload();
  await reader.reaches('forgotten');
  await reader.visit('/');
  await reader.reaches('writing');
  await reader.page.goBack();
  await reader.reaches('forgotten');
  assert.ok(!(await reader.page.content()).includes('seen once only'));
  assert.deepEqual(await reader.page.evaluate(() => [sessionStorage.length, localStorage.length]), [0, 0]);

  const { secret } = await node.conceal('once again');
  await reader.visit(`/secret/${secret}`);
  await reader.reaches('ready');
  await reader.clickOpen();
  await reader.read();
  // Kept whole in the browser's memory or not: on the way out the page lets go.
  await reader.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  await reader.reaches('forgotten');
  assert.ok(!(await reader.page.content()).includes('once again'));
  await reader.page.reload();
  await reader.reaches('forgotten');
  await reader.visit(`/secret/${secret}`);
  assert.ok(['gone', 'forgotten'].includes(await reader.reaches('gone', 'forgotten')));

  const third = await node.conceal('third');
  await reader.visit(`/secret/${third.secret}`);
  await reader.reaches('ready');
  await reader.clickOpen();
  await reader.read();
  await reader.button('Done, forget it').click();
  await reader.reaches('forgotten');
  await sender.share('typed');
  await sender.visit(path);
  await sender.reaches('gone');
  await sender.page.goBack();
  await sender.reaches('writing');
  assert.ok(!(await sender.page.content()).includes('/s#1'), 'the link is not there for who comes back');
});

journey('an answer that got lost is fetched again, by this reader alone', async (arrive) => {
  const { secret, receipt } = await node.conceal('arrives after all');
  const reader = await arrive();
  await reader.visit(`/secret/${secret}`);
  await reader.reaches('ready');
  const lost = await loseAnswers(reader, isReveal, 2);
  await reader.clickOpen();
  await reader.page.getByText('The connection was lost.').waitFor();
  assert.equal((await node.call('POST', `/secret/${secret}/reveal`, { continue: 'true' }, { 'Idempotency-Key': 'somebody-else-altogether' })).status, 404);
  assert.equal(await reader.read(), 'arrives after all');
  assert.deepEqual(lost.map((each) => each.status), [200, 200]);
  assert.equal(new Set(lost.map((each) => each.key)).size, 1);
  assert.match(lost[0].key, /^[0-9a-f]{32}$/);
  await reader.page.waitForFunction(() => sessionStorage.length === 0);
  assert.equal(await node.stateOf(receipt), 'revealed');
  // Confirmed: not even the key opens it any more.
  const asked = () => node.call('POST', `/secret/${secret}/reveal`, { continue: 'true' }, { 'Idempotency-Key': lost[0].key });
  for (let status = 200; status !== 404; ) ({ status } = await asked());
});

journey('a confirmation that fails is made again with the same key', async (arrive) => {
  const failures = [(route) => route.abort('connectionreset'), (route) => route.fulfill({ status: 503, json: {} })];
  for (const fail of failures) {
    const { secret } = await node.conceal('confirmed in the end');
    const reader = await arrive();
    await reader.visit(`/secret/${secret}`);
    await reader.reaches('ready');
    const keys = [];
    await reader.page.route(isReveal, (route) => {
      if (route.request().method() !== 'DELETE') return route.fallback();
      keys.push(route.request().headers()['idempotency-key']);
      return keys.length === 1 ? fail(route) : route.continue();
    });
    const confirmed = reader.page.waitForResponse((answer) => answer.request().method() === 'DELETE' && keys.length === 2);
    await reader.clickOpen();
    assert.equal((await confirmed).status(), 204);
    assert.match(keys[0], /^[0-9a-f]{32}$/);
    assert.equal(keys[1], keys[0]);
    assert.equal((await node.call('POST', `/secret/${secret}/reveal`, { continue: 'true' }, { 'Idempotency-Key': keys[0] })).status, 404);
  }
});

journey('a reload between click and answer loses nothing', async (arrive) => {
  const sender = await arrive();
  const { path } = await sender.share('through a reload', { passphrase: 'sesame' });
  const reader = await arrive();
  await reader.visit(path);
  await reader.reaches('ready');
  await loseAnswers(reader, isReveal, 1_000);
  await reader.page.getByRole('textbox', { name: 'Passphrase' }).fill('sesame');
  await reader.clickOpen();
  await reader.page.getByRole('alert').getByText('There is still no answer.').waitFor();
  await reader.page.unrouteAll({ behavior: 'ignoreErrors' });
  await reader.page.reload();
  await reader.page.getByText('You opened this secret a moment ago').waitFor();
  await reader.page.getByRole('textbox', { name: 'Passphrase' }).fill('mistyped');
  await reader.clickOpen();
  await reader.page.getByRole('alert').getByText('That is not the passphrase.').waitFor();
  await reader.page.getByRole('textbox', { name: 'Passphrase' }).fill('sesame');
  await reader.clickOpen();
  assert.equal(await reader.read(), 'through a reload');
});

journey('a retry that is refused gives nothing up: the next one gets what the first has claimed', async (arrive) => {
  const limited = { status: 429, headers: { 'Retry-After': '7' }, json: {} };
  const closed = { status: 403, json: {} }; // as something in between may say
  const told = [
    [limited, 'Too many requests from your network. Try again in 7 seconds.', false],
    [limited, 'Too many requests from your network. Try again in 7 seconds.', true],
    [closed, 'This server does not offer this to guests.', false],
  ];
  for (const [refusal, words, reload] of told) {
    const { secret } = await node.conceal('claimed, then refused');
    const reader = await arrive();
    await reader.page.route(isReveal, (route) => route.fulfill(refusal), { times: 1 });
    const lost = await loseAnswers(reader, isReveal, 1);
    await reader.visit(`/secret/${secret}`);
    await reader.reaches('ready');
    await reader.clickOpen();
    await reader.page.getByRole('alert').getByText(words).waitFor();
    assert.deepEqual(lost.map(({ status }) => status), [200]);
    if (reload) {
      await reader.page.reload();
      await reader.page.getByText('You opened this secret a moment ago').waitFor();
    }
    await reader.clickOpen();
    assert.equal(await reader.read(), 'claimed, then refused');
  }
});

journey('a node that dies between click and answer comes back with the value', async (arrive) => {
  const own = await Node.start();
  try {
    const { secret } = await own.conceal('survives kill -9');
    const reader = await arrive({}, own);
    await reader.visit(`/secret/${secret}`);
    await reader.reaches('ready');
    await own.kill();
    await reader.clickOpen();
    await reader.page.getByText('The connection was lost.').waitFor();
    await own.restart();
    assert.equal(await reader.read(), 'survives kill -9');
    // And one that is away when the page loads.
    const next = await own.conceal('found in the end');
    await reader.page.route('**/api/**', (route) => route.abort(), { times: 2 });
    await reader.visit(`/secret/${next.secret}`);
    await reader.page.getByText('Nothing has been opened. The page keeps trying.').waitFor();
    await reader.reaches('ready');
  } finally {
    await own.end();
  }
});

journey('the page waits for what the server says after all, as long as that is configured to take', async (arrive) => {
  const own = await Node.start(['--set', 'http.request_timeout_ms=30000']);
  try {
    const sender = await arrive({}, own);
    await sender.visit('/');
    await sender.page.clock.install();
    const asked = [];
    await sender.page.route('**/conceal', (route) => void asked.push(route));
    const ask = async () => {
      const sent = sender.page.waitForRequest('**/conceal');
      await sender.button('Create the link').click();
      await sent;
    };
    await sender.page.getByRole('textbox', { name: 'Your secret' }).fill('slow');
    await ask();
    await sender.page.clock.runFor(34_000);
    await asked[0].fulfill({ status: 503, json: { code: 'unavailable', message: '' } });
    await sender.page.getByRole('alert').getByText('The server could not do it (503).').waitFor();
    await ask();
    await sender.page.clock.runFor(36_000);
    await sender.page.getByRole('alert').getByText('No answer came.').waitFor();
  } finally {
    await own.end();
  }
});

journey('on a slow network the page says what it does, and asks once', async (arrive) => {
  const { secret } = await node.conceal('slowly');
  const reader = await arrive();
  let letThrough;
  const held = new Promise((done) => (letThrough = done));
  await reader.page.route(isReveal, async (route) => {
    await held;
    await route.continue();
  }, { times: 1 });
  await reader.visit(`/secret/${secret}`);
  await reader.reaches('ready');
  await reader.clickOpen();
  await reader.reaches('opening');
  const button = reader.button('Opening…');
  assert.ok(await button.isDisabled());
  letThrough();
  assert.equal(await reader.read(), 'slowly');
  assert.equal(reader.calls('POST').length, 1);
});

journey('what comes late for an earlier link takes nothing off the screen', async (arrive) => {
  const sender = await arrive();
  const reader = await arrive();
  // The look at a link of its own stays out until what this answers is called.
  const goToLate = async () => {
    const { path } = await sender.share('looked at in vain');
    let release;
    const held = new Promise((done) => (release = done));
    const look = `**/secret/${path.slice('/s#1'.length + 48)}`;
    await reader.page.route(look, async (route) => {
      await held;
      await route.continue();
    });
    const [asked] = await Promise.all([reader.page.waitForRequest(look), reader.goTo(path)]);
    return async () => {
      release();
      await (await asked.response()).finished();
      await reader.page.evaluate(() => fetch('/robots.txt').then((came) => came.text()));
    };
  };
  await reader.visit('/s');
  await reader.reaches('fault');
  const late = [await goToLate(), await goToLate()];
  await reader.goTo((await sender.share('stays')).path);
  await reader.reaches('ready');
  let letThrough;
  const held = new Promise((done) => (letThrough = done));
  await reader.page.route(isReveal, async (route) => {
    await held;
    await route.continue();
  }, { times: 1 });
  await reader.clickOpen();
  await reader.reaches('opening');
  await late[0]();
  assert.equal(await reader.reaches('opening', 'ready'), 'opening');
  letThrough();
  assert.equal(await reader.read(), 'stays');
  await late[1]();
  assert.equal(await reader.reaches('shown', 'ready'), 'shown');
  assert.equal(await reader.page.locator('[data-test=value]').textContent(), 'stays');
});

journey('while one is opened or lacks its key another link waits, and the address says whose it is', async (arrive) => {
  const sender = await arrive();
  const first = await sender.share('spoilt on its way');
  const second = await sender.share('waits');
  const reader = await arrive();
  const address = () => reader.page.evaluate(() => location.href);
  let letThrough;
  const held = new Promise((done) => (letThrough = done));
  await reader.page.route(isReveal, async (route) => {
    const came = await route.fetch();
    const { record } = await came.json();
    record.secret_value = `${record.secret_value.slice(0, -8)}AAAAAAAA`;
    await held;
    await route.fulfill({ response: came, json: { record } });
  }, { times: 1 });
  await reader.visit(first.path);
  await reader.reaches('ready');
  await reader.clickOpen();
  await reader.reaches('opening');
  await reader.goTo(second.path);
  assert.equal(await address(), first.link);
  letThrough();
  await reader.reaches('sealed');
  await reader.goTo(second.path);
  assert.equal(await address(), first.link);
  assert.equal(await reader.reaches('sealed', 'checking', 'ready'), 'sealed');
});

// ---- links that are not right -----------------------------------------------------------------------

journey('a link that lost or changed a character is found out before the secret is claimed', async (arrive) => {
  const sender = await arrive();
  const { link, path } = await sender.share('unharmed');
  const whole = path.slice('/s#'.length);
  const flipped = (at) => whole.slice(0, at) + (whole[at] === 'A' ? 'B' : 'A') + whole.slice(at + 1);
  const broken = ['', whole.slice(0, -1), whole.slice(0, 48), flipped(3), flipped(46), flipped(60), flipped(whole.length - 1), `${whole}A`, `2${whole.slice(1)}`, 'ünïcode'];
  const reader = await arrive();
  for (const each of broken) {
    await reader.page.goto('about:blank');
    await reader.visit(`/s#${each}`);
    await reader.reaches('fault');
  }
  assert.equal(reader.calls().length, 0, 'nobody was asked');
  await reader.page.getByText('Nothing has been opened').waitFor();
  await reader.page.getByLabel('The whole link').fill(link.slice(0, -2));
  await reader.button('Use this link').click();
  await reader.page.getByRole('alert').waitFor();
  await reader.page.getByLabel('The whole link').fill(` ${link}\n`);
  await reader.button('Use this link').click();
  await reader.reaches('ready');
  await reader.clickOpen();
  assert.equal(await reader.read(), 'unharmed');
});

journey('what was sealed in a browser and comes without its key waits for the whole link', async (arrive) => {
  const sender = await arrive();
  const { link, path } = await sender.share('needs its key');
  const other = await sender.share('another');
  const reader = await arrive();
  await reader.visit(`/secret/${path.slice('/s#1'.length + 48)}`);
  await reader.reaches('ready');
  await reader.clickOpen();
  await reader.reaches('sealed');
  await reader.page.getByLabel('The whole link').fill(other.link);
  await reader.button('Use this link').click();
  await reader.page.getByRole('alert').getByText('The key in the link does not fit').waitFor();
  await reader.page.getByLabel('The whole link').fill(link);
  await reader.button('Use this link').click();
  assert.equal(await reader.read(), 'needs its key');
});

// ---- browsers that lack something -------------------------------------------------------------------

journey('over plain http on a local network the server seals, and a link sealed in a browser stays unopened', async (arrive) => {
  const there = `http://${lan}:${node.port}`;
  const sender = await arrive();
  const { path } = await sender.share('not over http');
  const guest = await arrive();
  await guest.visit('/', there);
  await guest.page.getByText('browsers do not let pages encrypt').waitFor();
  assert.ok(await guest.page.getByRole('radio', { name: 'In this browser' }).isDisabled());
  await guest.page.getByRole('textbox', { name: 'Your secret' }).fill('on the lan');
  await guest.button('Create the link').click();
  await guest.reaches('shared');
  const link = await guest.page.locator('[data-test=link]').textContent();
  assert.ok(link.startsWith(`${there}/secret/`));
  await guest.button('Copy: Link').click();
  await guest.page.getByRole('button', { name: 'Copied: Link' }).waitFor();
  await guest.visit(path, there);
  await guest.reaches('no-crypto');
  await guest.visit(link.slice(there.length), there);
  await guest.reaches('ready');
  await guest.clickOpen();
  assert.equal(await guest.read(), 'on the lan');
  await sender.visit(path);
  await sender.reaches('ready');
});

journey('without JavaScript the page says what it needs and consumes nothing', async (arrive) => {
  const { secret } = await node.conceal('quiet');
  const reader = await arrive({ javaScriptEnabled: false });
  await reader.visit(`/secret/${secret}`);
  const said = reader.page.locator('noscript p');
  assert.equal(await said.count(), 7);
  for (const each of await said.all()) assert.ok((await each.isVisible()) && (await each.textContent()).includes('JavaScript'));
  assert.equal(reader.calls().length, 0);
  assert.ok(await node.isStillThere(secret));
});

journey('with storage blocked everything works, and the page says what not to do', async (arrive) => {
  const { secret } = await node.conceal('kept nowhere');
  const reader = await arrive();
  await reader.page.addInitScript(() => {
    for (const name of ['sessionStorage', 'localStorage'])
      Object.defineProperty(globalThis, name, { get() { throw new DOMException('blocked', 'SecurityError'); } });
  });
  await reader.visit(`/secret/${secret}`);
  await reader.page.getByText('Your browser keeps nothing for this page').waitFor();
  await reader.page.getByLabel('Language').selectOption('de');
  await reader.page.getByRole('button', { name: 'Geheimnis öffnen' }).click();
  await reader.reaches('shown');
});

journey('a wrong clock is told, and what is left is counted by the server’s', async (arrive) => {
  const { receipt } = await node.conceal('on time', { ttl: 7_200 });
  const sender = await arrive();
  await sender.page.clock.setSystemTime(Date.now() + 5 * 3_600_000);
  await sender.visit(`/receipt/${receipt}`);
  await sender.reaches('waiting');
  await sender.page.getByText('The clock of this device is off by 5 hours.').waitFor();
  await sender.page.getByText(/\((2 hours|120 minutes|119 minutes) left\)/).waitFor();
});

journey('a receipt that was asked for too often is asked for again when the server says so', async (arrive) => {
  const { receipt } = await node.conceal('followed');
  const sender = await arrive();
  await sender.page.clock.install();
  await sender.visit(`/receipt/${receipt}`);
  await sender.reaches('waiting');
  await sender.page.route(isReceipt, (route) => route.fulfill({ status: 429, headers: { 'Retry-After': '30' }, json: {} }), { times: 1 });
  await sender.page.clock.runFor(4_100);
  await sender.page.getByText('Try again in 30 seconds.').waitFor();
  const asked = sender.calls().length;
  await sender.page.clock.runFor(20_000);
  await sender.page.evaluate(() => fetch('/robots.txt').then((came) => came.text()));
  assert.equal(sender.calls().length, asked);
  await sender.page.clock.runFor(10_000);
  await sender.page.getByText('Try again in 30 seconds.').waitFor({ state: 'detached' });
});

// ---- for everybody ----------------------------------------------------------------------------------

journey('each language is picked from the browser, can be switched to, stays, and fits a phone', async (arrive) => {
  const titles = { en: 'Share a secret', de: 'Geheimnis teilen', fr: 'Partager un secret', es: 'Compartir un secreto', pt: 'Partilhar um segredo', ja: '秘密を共有する', zh: '分享秘密' };
  const { secret, receipt } = await node.conceal('in every tongue', { passphrase: 'sesame' });
  const pages = [['/', 'writing'], ['/s', 'fault'], [`/secret/${secret}`, 'ready'], [`/receipt/${receipt}`, 'waiting']];
  await Promise.all(Object.entries(titles).map(async ([language, title]) => {
    const who = await arrive({ locale: { pt: 'pt-BR', zh: 'zh-CN', de: 'de-CH' }[language] ?? language, viewport: { width: 320, height: 640 } });
    for (const [path, state] of pages) {
      await who.visit(path);
      await who.reaches(state);
      assert.equal(await who.page.evaluate(() => document.documentElement.lang), language);
      const said = await who.page.locator('body').innerText();
      assert.ok(!/undefined|\[object|NaN|=>/.test(said), said);
      assert.ok(await who.fits(), `${language} ${path} is wider than a phone`);
      if (path === '/') assert.equal(await who.page.getByRole('heading', { level: 1 }).textContent(), title);
    }
    await who.visit(`/secret/${(await node.conceal('whole on a phone')).secret}`);
    await who.reaches('ready');
    await who.page.locator('button.main').click();
    await who.reaches('shown');
    assert.ok(await who.fits(), `${language}: what was opened is wider than its card`);
  }));
  const who = await arrive({ locale: 'it-IT' });
  await who.visit('/');
  assert.equal(await who.page.getByRole('heading', { level: 1 }).textContent(), titles.en);
  for (const [language, title] of Object.entries(titles)) {
    await who.page.locator('.language select').selectOption(language);
    await who.page.getByRole('heading', { level: 1, name: title }).waitFor();
    await who.page.reload();
    await who.page.getByRole('heading', { level: 1, name: title }).waitFor();
  }
});

journey('nothing stands in the way of who cannot see or use a mouse, in light and in dark', async (arrive) => {
  for (const colorScheme of ['light', 'dark']) {
    const who = await arrive({ colorScheme });
    const check = async (where) => {
      await who.page.evaluate(axe);
      const { violations } = await who.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(serious.map(({ id, nodes }) => `${where} (${colorScheme}): ${id} at ${nodes.map(({ target }) => target).join(', ')}`), []);
    };
    await who.visit('/');
    await check('writing');
    const { path, receiptPath } = await who.share('for all', { passphrase: 'sesame' });
    await check('shared');
    await who.button('Burn it unread').click();
    await check('burn');
    await who.visit(receiptPath);
    await who.reaches('waiting');
    await check('receipt');
    await who.visit(path);
    await who.reaches('ready');
    await who.page.getByRole('textbox', { name: 'Passphrase' }).fill('wrong');
    await who.clickOpen();
    await who.page.getByRole('alert').waitFor();
    await check('wrong passphrase');
    await who.page.getByRole('textbox', { name: 'Passphrase' }).fill('sesame');
    await who.clickOpen();
    await who.reaches('shown');
    await check('masked');
    await who.read();
    await check('shown');
    await who.visit('/s#1broken');
    await who.reaches('fault');
    await check('fault');
    await who.visit(`/secret/${nowhere}`);
    await who.reaches('gone');
    await check('gone');
    const bodies = await who.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    assert.equal(bodies, colorScheme === 'light' ? 'rgb(244, 241, 243)' : 'rgb(20, 20, 27)');
  }
});

journey('the keyboard is enough, and focus goes where something happened', async (arrive) => {
  const who = await arrive();
  await who.visit('/');
  await who.reaches('writing');
  const press = (key) => who.page.keyboard.press(key);
  const reach = async (what) => {
    for (let i = 0; i < 20; ++i) {
      if ((await who.focused()) === what) return;
      await press('Tab');
    }
    assert.fail(`no Tab leads to ${what}`);
  };
  await reach('text');
  await who.page.keyboard.type('typed by hand');
  await reach('Create the link');
  await press('Enter');
  await who.reaches('shared');
  assert.equal(await who.focused(), 'The link is ready');
  const link = await who.page.locator('[data-test=link]').textContent();
  await who.page.goto(link);
  await who.reaches('ready');
  await reach('Open the secret');
  await press('Enter');
  await who.reaches('shown');
  await who.page.waitForFunction(() => document.activeElement.textContent === 'Your secret');
  await reach('Show');
  await press('Space');
  await who.page.getByText('typed by hand').waitFor();
});

journey('what is refused, kept or burned takes the focus from nobody', async (arrive) => {
  const who = await arrive();
  const refuse = (pattern) => who.page.route(pattern, (route) => route.fulfill({ status: 403, json: {} }), { times: 1 });
  const refused = who.page.getByRole('alert').getByText('This server does not offer this to guests.');
  await who.visit('/');
  await who.page.getByRole('textbox', { name: 'Your secret' }).fill('held fast');
  await who.page.getByRole('textbox', { name: 'Passphrase (optional)' }).fill('sesame');
  for (const from of [who.button('Create the link'), who.page.getByRole('radio', { name: 'On the server' })]) {
    await refuse('**/conceal');
    await from.press('Enter');
    await refused.waitFor();
    assert.equal(await who.focused(), 'Create the link');
  }
  await who.button('Create the link').press('Enter');
  await who.reaches('shared');
  const link = await who.page.locator('[data-test=link]').textContent();

  const burn = who.button('Burn it unread');
  await burn.press('Enter');
  assert.match(await who.focused(), /^Burn this secret\?/);
  await who.button('Keep it').press('Enter');
  assert.equal(await who.focused(), 'Burn it unread');
  await burn.press('Enter');
  await refuse(isBurn);
  await who.page.getByLabel('Passphrase of the secret').fill('sesame');
  await who.button('Burn').press('Enter');
  await refused.waitFor();
  assert.equal(await who.focused(), 'Burn');

  const other = await arrive();
  const field = other.page.getByRole('textbox', { name: 'Passphrase' });
  await other.page.route(/guest.secret/, (route) => route.fulfill({ status: 403, json: {} }), { times: 1 });
  await other.page.goto(link);
  await other.button('Try again').press('Enter');
  await other.reaches('ready');
  assert.equal(await other.focused(), 'A secret for you');
  for (const [from, focused] of [[field, ''], [other.button('Open the secret'), 'Open the secret']]) {
    await field.fill('wrong');
    await from.press('Enter');
    await other.page.getByRole('alert').getByText(focused ? 'Up to 3' : 'Up to 4').waitFor();
    assert.equal(await other.focused(), focused); // a field has no words
  }

  await who.button('Burn').press('Enter');
  await who.reaches('burned');
  assert.equal(await who.focused(), 'Burned');
  await who.button('Share another').press('Enter');
  assert.equal(await who.focused(), 'text');
  const { receipt } = await node.conceal('burned by its receipt');
  await who.visit(`/receipt/${receipt}`);
  await burn.press('Enter');
  await who.button('Burn').press('Enter');
  await who.reaches('burned');
  assert.equal(await who.focused(), 'Burned');
});

journey('copying fills the clipboard with the whole link and the whole secret', async (arrive) => {
  const who = await arrive({ permissions: ['clipboard-read', 'clipboard-write'] });
  const { link, path } = await who.share('copied whole\nline 2');
  await who.button('Copy: Link').click();
  await who.button('Copied: Link').waitFor();
  const pasted = async () => {
    const aside = await who.context.newPage();
    await aside.goto(`${node.url}/`);
    await aside.getByRole('textbox', { name: 'Your secret' }).focus();
    await aside.keyboard.press('Control+V');
    return aside.getByRole('textbox', { name: 'Your secret' }).inputValue();
  };
  assert.equal(await pasted(), link);
  await who.visit(path);
  await who.reaches('ready');
  await who.clickOpen();
  await who.reaches('shown');
  await who.button('Copy: Secret').click();
  await who.button('Copied: Secret').waitFor();
  assert.equal(await pasted(), 'copied whole\nline 2');
});

journey('the policy holds in the browser: no inline script, no text becomes HTML, no frame', async (arrive) => {
  const who = await arrive();
  await who.visit('/s');
  const tried = await who.page.evaluate(() => {
    const outcome = {};
    const attempt = (name, work) => {
      try {
        work();
        outcome[name] = 'done';
      } catch {
        outcome[name] = 'refused';
      }
    };
    attempt('html', () => (document.createElement('div').innerHTML = '<b>x</b>'));
    attempt('policy', () => trustedTypes.createPolicy('mine', {}));
    const inline = document.createElement('script');
    attempt('script', () => (inline.textContent = 'globalThis.ran = true'));
    return { ...outcome, ran: globalThis.ran === true };
  });
  assert.deepEqual(tried, { html: 'refused', policy: 'refused', script: 'refused', ran: false });
  who.faults.length = 0; // provoked
});

});

// Asking for a secret, journey by journey: the request's page, the page of who answers, and the pickup, in a real browser
// against the real node.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe } from 'node:test';
import { journeysIn, lan, launch, Node } from './kit.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const golden = JSON.parse(readFileSync(new URL('answered.json', import.meta.url), 'utf8'));

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

// ---- steps ------------------------------------------------------------------------------------------

// Makes a request on the page; the link to send and, behind the page's own address, the pickup link.
async function request(who) {
  await who.visit('/ask');
  await who.reaches('writing');
  await who.button('Create the request').click();
  await who.reaches('made');
  const link = await who.page.locator('[data-test=link]').textContent();
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/r#1[A-Za-z0-9_-]{135}$/);
  const own = who.page.url();
  assert.match(own, /\/ask#1[A-Za-z0-9_-]{179}\.[A-Za-z0-9]{43}$/);
  return { link, path: link.slice(node.url.length), own, ownPath: own.slice(node.url.length) };
}

async function write(who, path, text) {
  await who.visit(path);
  await who.reaches('writing');
  await who.page.getByRole('textbox', { name: 'Your answer' }).fill(text);
}

async function answer(who, path, text) {
  await write(who, path, text);
  await who.button('Seal and send').click();
  await who.reaches('sent');
}

async function open(who) {
  await who.button('Open the answer').click();
  return who.read();
}

const isAnswer = (url) => url.pathname.endsWith('/answer');
const isPickup = (url) => url.pathname.endsWith('/pickup');
const isLook = (request) => request.method() === 'GET' && request.url().includes('/api/v1/requests/');

// Lets `times` requests reach the node and their answers get lost on the way back.
async function loseAnswers(who, pattern, times) {
  const lost = [];
  await who.page.route(pattern, async (route) => {
    if (route.request().method() !== 'POST' || lost.length >= times) return route.fallback();
    const acted = await route.fetch();
    lost.push({ status: acted.status(), key: route.request().headers()['idempotency-key'], body: route.request().postData() });
    await route.abort('connectionreset');
  });
  return lost;
}

async function stateOf({ own }) {
  const [, identifier, key] = /#1.{136}(.{43})\.(.{43})$/.exec(own);
  const told = await fetch(`${node.url}/api/v1/requests/${identifier}`, { headers: { 'Pickup-Key': key } });
  return told.status === 200 ? (await told.json()).data.state : told.status;
}

describe('requests for secrets', { concurrency: 2 }, () => {

// ---- asking and answering -----------------------------------------------------------------------------

journey('a request is answered in one browser and opened once in another; neither text nor keys leave them', async (arrive) => {
  const asker = await arrive();
  const writer = await arrive();
  const text = 'pässword: 七 🐚\n\tsecond line  ';
  const asked = await request(asker);
  await answer(writer, asked.path, text);
  assert.equal(await writer.page.getByRole('textbox').count(), 0, 'the page has forgotten it');
  await asker.reaches('ready'); // by itself
  assert.equal(asker.calls('POST').filter((each) => isPickup(new URL(each.url()))).length, 0);
  await asker.button('Open the answer').click();
  await asker.reaches('shown');
  assert.ok(!(await asker.page.content()).includes('second line'), 'masked until asked for');
  assert.equal(await asker.read(), text);
  assert.ok(!asker.page.url().includes('#'), 'the keys have left the address');
  const secrets = [asked.own.slice(asked.own.indexOf('#') + 2).slice(0, 60), asked.link.slice(asked.link.indexOf('#') + 2).slice(0, 60), 'second line'];
  for (const each of [...asker.requests, ...writer.requests]) {
    const sent = `${each.url()} ${JSON.stringify(each.headers())} ${each.postData() ?? ''}`;
    for (const secret of secrets) assert.ok(!sent.includes(secret), 'a key or the text left the browser');
  }
  await asker.button('Done, forget it').click();
  await asker.reaches('forgotten');
  await asker.page.reload();
  await asker.reaches('forgotten');

  const late = await arrive();
  await late.visit(asked.path);
  await late.reaches('answered');
  await late.visit(asked.ownPath);
  await late.reaches('picked');
});

journey('who asks may close the page and come back by its address, on another device too', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  await asker.page.reload();
  await asker.reaches('made');
  assert.equal(await asker.page.locator('[data-test=link]').textContent(), asked.link, 'the same link again');
  const writer = await arrive();
  await answer(writer, asked.path, 'for another device');
  const elsewhere = await arrive();
  await elsewhere.visit(asked.ownPath);
  await elsewhere.reaches('ready');
  assert.equal(await open(elsewhere), 'for another device');
});

journey('the page to share leads to the page that asks', async (arrive) => {
  const who = await arrive();
  await who.visit('/');
  await who.page.getByRole('link', { name: 'Ask somebody for a secret' }).click();
  await who.page.waitForURL('**/ask');
  await who.reaches('writing');
  who.faults.length = 0; // a click tells the same host no referrer, and that is checked above
});

journey('a request is withdrawn, and then takes no answer', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  await asker.button('Withdraw the request').click();
  await asker.button('Keep it').click();
  assert.equal(await stateOf(asked), 'open');
  await asker.button('Withdraw the request').click();
  await asker.button('Withdraw', { exact: true }).click();
  await asker.reaches('cancelled');
  const writer = await arrive();
  await writer.visit(asked.path);
  await writer.reaches('gone');
});

journey('while a withdrawal gets no answer the page says that it keeps trying', async (arrive) => {
  const asker = await arrive();
  await request(asker);
  const pattern = '**/api/v1/requests/*';
  await asker.page.route(pattern, (route) => (route.request().method() === 'DELETE' ? route.abort('connectionrefused') : route.fallback()));
  await asker.button('Withdraw the request').click();
  await asker.button('Withdraw', { exact: true }).click();
  await asker.page.getByRole('status').getByText('The page keeps trying.').waitFor();
  await asker.page.unroute(pattern);
  await asker.reaches('cancelled');
});

journey('what the first version sealed opens for ever', async (arrive) => {
  const who = await arrive();
  await who.page.route('**/api/v1/requests/**', (route) => {
    const { pathname } = new URL(route.request().url());
    assert.ok(pathname.includes(golden.identifier));
    assert.equal(route.request().headers()['pickup-key'], golden.pickupKey);
    if (route.request().method() === 'DELETE') return route.fulfill({ status: 204 });
    const data = { state: 'answered', createdAt: '2026-11-22T16:00:00Z', answerUntil: '2026-11-23T16:00:00Z', answeredAt: '2026-11-22T17:00:00Z', pickupUntil: '2026-11-23T17:00:00Z', endedAt: null, sealed: golden.sealed };
    return route.fulfill({ json: { data } });
  });
  await who.visit(`/ask#${golden.pickup}`);
  await who.reaches('ready');
  assert.equal(await open(who), golden.text);
});

// ---- races --------------------------------------------------------------------------------------------

journey('of two browsers that answer at once one is told it is sent, the other that it is not', async (arrive) => {
  const asker = await arrive();
  const writers = [await arrive(), await arrive()];
  const asked = await request(asker);
  await Promise.all(writers.map((who, i) => write(who, asked.path, `from ${i}`)));
  await Promise.all(writers.map((who) => who.button('Seal and send').click()));
  const ends = await Promise.all(writers.map((who) => who.reaches('sent', 'answered')));
  assert.deepEqual([...ends].sort(), ['answered', 'sent']);
  await writers[ends.indexOf('answered')].page.getByText('Your text was not sent and is not kept.').waitFor();
  await asker.reaches('ready');
  assert.equal(await open(asker), `from ${ends.indexOf('sent')}`);
});

journey('of two browsers that pick up at once one gets it, the other is told when it was opened', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  await answer(await arrive(), asked.path, 'for one');
  const both = [await arrive(), await arrive()];
  for (const who of both) {
    await who.visit(asked.ownPath);
    await who.reaches('ready');
  }
  await Promise.all(both.map((who) => who.button('Open the answer').click()));
  const ends = await Promise.all(both.map((who) => who.reaches('shown', 'picked')));
  assert.deepEqual([...ends].sort(), ['picked', 'shown']);
  await both[ends.indexOf('picked')].page.getByText('If it was not you').waitFor();
});

journey('what was written for one asker is sealed anew for the next one in the same tab', async (arrive) => {
  const first = await request(await arrive());
  const asker = await arrive();
  const second = await request(asker);
  const writer = await arrive();
  await write(writer, first.path, 'the same text');
  const [, identifier, key] = /#1.{136}(.{43})\.(.{43})$/.exec(first.own);
  await fetch(`${node.url}/api/v1/requests/${identifier}`, { method: 'DELETE', headers: { 'Pickup-Key': key } });
  await writer.button('Seal and send').click();
  await writer.reaches('gone');
  await writer.goTo(second.path);
  await writer.reaches('writing');
  const field = writer.page.getByRole('textbox', { name: 'Your answer' });
  assert.equal(await field.inputValue(), '', 'it was meant for somebody else');
  await field.fill('the same text');
  await writer.button('Seal and send').click();
  await writer.reaches('sent');
  const bodies = writer.calls('POST').map((each) => each.postData());
  assert.equal(new Set(bodies).size, 2);
  await asker.reaches('ready');
  assert.equal(await open(asker), 'the same text');
});

journey('while an answer is under way another link waits, and the address says whose it is', async (arrive) => {
  const asker = await arrive();
  const first = await request(asker);
  const second = await request(await arrive());
  const writer = await arrive();
  await write(writer, first.path, 'for the first');
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await writer.page.route(isAnswer, async (route) => {
    await held;
    await route.continue();
  });
  await writer.button('Seal and send').click();
  await writer.reaches('sending');
  await writer.goTo(second.path);
  await writer.page.waitForURL(node.url + first.path);
  release();
  await writer.reaches('sent');
  assert.equal(await stateOf(second), 'open');
  await asker.reaches('ready');
  assert.equal(await open(asker), 'for the first');
});

journey('what comes late for an earlier link says nothing of the one that is open', async (arrive) => {
  const first = await request(await arrive());
  await answer(await arrive(), first.path, 'there is one');
  const second = await request(await arrive());
  const who = await arrive();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const late = await new Promise((resolve) => {
    void who.page.route(`**/requests/${first.link.slice(-43)}`, async (route) => {
      resolve(route.request());
      await held;
      await route.continue();
    }).then(() => who.page.goto(node.url + first.path));
  });
  await who.goTo(second.path);
  await who.reaches('writing');
  release();
  await (await late.response()).finished();
  await who.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  assert.equal(await who.reaches('writing', 'answered'), 'writing');
});

// ---- lost and bad connections -----------------------------------------------------------------------

journey('an answer whose reply gets lost is sent again with the same key, and stands once', async (arrive) => {
  const asker = await arrive();
  const writer = await arrive();
  const asked = await request(asker);
  await write(writer, asked.path, 'sent once');
  const lost = await loseAnswers(writer, isAnswer, 2);
  await writer.button('Seal and send').click();
  await writer.reaches('sent');
  assert.deepEqual(lost.map(({ status }) => status), [201, 201]);
  assert.equal(new Set(lost.map(({ key, body }) => key + body)).size, 1);
  await asker.reaches('ready');
  assert.equal(await open(asker), 'sent once');
});

journey('a pickup whose reply gets lost comes again, also after a reload in between', async (arrive) => {
  for (const reload of [false, true]) {
    const asker = await arrive();
    const asked = await request(asker);
    await answer(await arrive(), asked.path, 'lost on its way');
    await asker.reaches('ready');
    const lost = await loseAnswers(asker, isPickup, reload ? 1 : 2);
    await asker.button('Open the answer').click();
    if (reload) {
      while (lost.length === 0) await asker.page.waitForTimeout(20);
      await asker.page.unroute(isPickup);
      await asker.page.reload();
      await asker.reaches('ready');
      await asker.page.getByText('You opened the answer a moment ago').waitFor();
      assert.equal(await open(asker), 'lost on its way');
    } else {
      assert.equal(await asker.read(), 'lost on its way');
      assert.equal(new Set(lost.map(({ key }) => key)).size, 1);
    }
  }
});

journey('a confirmation of a pickup that fails is made again with the same key', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  await answer(await arrive(), asked.path, 'confirmed in the end');
  await asker.reaches('ready');
  const keys = [];
  await asker.page.route(isPickup, (route) => {
    if (route.request().method() !== 'DELETE') return route.fallback();
    keys.push(route.request().headers()['idempotency-key']);
    return keys.length === 1 ? route.fulfill({ status: 503, json: {} }) : route.continue();
  });
  const confirmed = asker.page.waitForResponse((each) => each.request().method() === 'DELETE' && keys.length === 2);
  assert.equal(await open(asker), 'confirmed in the end');
  assert.equal((await confirmed).status(), 204);
  assert.equal(keys[1], keys[0]);
});

journey('a pickup that is refused when it is tried again is not given up', async (arrive) => {
  for (const [status, words] of [[429, 'Too many requests'], [403, 'This server does not offer this to guests.']]) {
    const asker = await arrive();
    const asked = await request(asker);
    await answer(await arrive(), asked.path, 'taken, then refused');
    await asker.reaches('ready');
    await asker.page.route(isPickup, (route) => route.fulfill({ status, json: {} }), { times: 1 });
    const lost = await loseAnswers(asker, isPickup, 1);
    await asker.button('Open the answer').click();
    await asker.page.getByRole('alert').getByText(words).waitFor();
    assert.deepEqual(lost.map((each) => each.status), [200]);
    const looked = asker.page.waitForResponse((each) => isLook(each.request()));
    await asker.page.evaluate(() => void document.dispatchEvent(new Event('visibilitychange')));
    await (await looked).finished(); // who comes back to the tab sees it as picked up, by whomever
    assert.equal(await open(asker), 'taken, then refused');
  }
});

journey('while the server is away the text stays, and is sent when it is back', async (arrive) => {
  const asker = await arrive();
  const writer = await arrive();
  const asked = await request(asker);
  await write(writer, asked.path, 'patient');
  await writer.page.route(isAnswer, (route) => route.fulfill({ status: 507, json: { code: 'full', message: '' } }), { times: 1 });
  await writer.button('Seal and send').click();
  await writer.page.getByRole('alert').getByText('This server has no room').waitFor();
  assert.equal(await writer.page.getByRole('textbox', { name: 'Your answer' }).inputValue(), 'patient');
  await writer.page.route(isAnswer, (route) => route.abort(), { times: 2 });
  await writer.button('Seal and send').click();
  await writer.page.getByRole('status').getByText('The connection was lost.').waitFor();
  await writer.reaches('sent');
  await asker.reaches('ready');
});

journey('a request whose first look fails is made once, and shown when the server is back', async (arrive) => {
  const who = await arrive();
  let looks = 0;
  await who.page.route('**/api/v1/requests/*', (route) => (++looks > 2 ? route.continue() : route.fulfill({ status: 503, json: { code: 'busy', message: '' } })));
  await who.visit('/ask');
  await who.reaches('writing');
  await who.button('Create the request').click();
  await who.page.getByRole('status').getByText('reached').waitFor();
  assert.equal(await who.button('Create the request').count(), 0);
  await who.reaches('made');
  assert.equal(who.calls('POST').length, 1);
});

journey('a damaged link shows nothing of the request before it', async (arrive) => {
  const who = await arrive();
  const asked = await request(who);
  await who.goTo(asked.ownPath.slice(0, -1));
  await who.reaches('fault');
  const looks = who.calls('GET').length;
  await who.page.evaluate(() => {
    document.dispatchEvent(new Event('visibilitychange')); // as when somebody comes back to the tab
    return fetch('/robots.txt').then((came) => came.text());
  });
  assert.equal(who.calls('GET').length, looks);
  assert.equal(await who.reaches('fault', 'made'), 'fault');
  await who.goTo(asked.ownPath);
  await who.reaches('made');
  assert.equal(await who.page.locator('[data-test=link]').textContent(), asked.link);
});

journey('a request that was looked at too often is looked at again when the server says so', async (arrive) => {
  const asker = await arrive();
  await asker.page.clock.install();
  await request(asker);
  await asker.page.route('**/api/v1/requests/*', (route) => route.fulfill({ status: 429, headers: { 'Retry-After': '30' }, json: {} }), { times: 1 });
  await asker.page.clock.runFor(5_100);
  await asker.page.getByText('Try again in 30 seconds.').waitFor();
  const asked = asker.calls().length;
  await asker.page.clock.runFor(20_000);
  await asker.page.evaluate(() => fetch('/robots.txt').then((came) => came.text()));
  assert.equal(asker.calls().length, asked);
  await asker.page.clock.runFor(10_000);
  await asker.page.getByText('Nobody has answered yet.').waitFor();
});

journey('a look that comes late leaves alone what is being opened', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  await answer(await arrive(), asked.path, 'opened once');
  await asker.reaches('ready');
  let endLook, endPickup;
  const mayLook = new Promise((go) => (endLook = go));
  const mayPickUp = new Promise((go) => (endPickup = go));
  await asker.page.route('**/api/v1/requests/*', (route) => mayLook.then(() => route.fallback()), { times: 1 });
  await asker.page.route(isPickup, (route) => mayPickUp.then(() => route.fallback()));
  const began = asker.page.waitForRequest(isLook);
  await asker.page.evaluate(() => void document.dispatchEvent(new Event('visibilitychange')));
  await began;
  await asker.button('Open the answer').click();
  await asker.reaches('opening');
  const ended = asker.page.waitForResponse((each) => isLook(each.request()));
  endLook();
  await (await ended).finished();
  await asker.page.evaluate(() => fetch('/robots.txt').then((came) => came.text()));
  assert.equal(await asker.reaches('opening', 'ready'), 'opening');
  endPickup();
  assert.equal(await asker.read(), 'opened once');
});

// ---- links --------------------------------------------------------------------------------------------

journey('a wrong or shortened link is found out before anything is sent or taken', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  const who = await arrive();
  const swapped = (text, at) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
  for (const broken of [asked.path.slice(0, -1), asked.path.slice(0, 60), swapped(asked.path, 20), swapped(asked.path, 110), '/r', '/r#', asked.path.replace('#1', '#2')]) {
    await who.visit('/robots.txt');
    await who.visit(broken);
    await who.reaches('fault');
  }
  await answer(await arrive(), asked.path, 'still there');
  for (const broken of [asked.ownPath.slice(0, -1), asked.ownPath.slice(0, 90), swapped(asked.ownPath, 20), swapped(asked.ownPath, 100), swapped(asked.ownPath, 200), asked.path.replace('/r', '/ask')]) {
    await who.visit('/robots.txt');
    await who.visit(broken);
    await who.reaches('fault');
  }
  assert.equal(who.calls().length, 0);
  await who.page.getByLabel('The whole link').fill(asked.own);
  await who.button('Use this link').click();
  await who.reaches('ready');
  assert.equal(await open(who), 'still there');
});

journey('previews, prefetches and looks change nothing', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  const identifier = asked.link.slice(-43);
  for (const agent of ['Slackbot-LinkExpanding 1.0', 'facebookexternalhit/1.1'])
    for (const path of ['/r', '/ask', `/api/v1/requests/${identifier}`, `/api/v1/requests/${identifier}/pickup`, `/api/v1/requests/${identifier}/answer`])
      for (const method of ['GET', 'HEAD']) await fetch(node.url + path, { method, headers: { 'User-Agent': agent, 'Sec-Purpose': 'prefetch' } });
  assert.equal(await stateOf(asked), 'open');
  const writer = await arrive();
  await answer(writer, asked.path, 'untouched');
  await writer.visit(asked.path);
  assert.equal(await stateOf(asked), 'answered');
});

journey('an answer that was not sealed for this link is told so', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  await fetch(`${node.url}/api/v1/requests/${asked.link.slice(-43)}/answer`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sealed: `nacre-answer1.${'A'.repeat(300)}` }),
  });
  await asker.reaches('ready');
  await asker.button('Open the answer').click();
  await asker.reaches('broken');
  assert.equal(asker.calls('DELETE').length, 0, 'what could not be opened is not confirmed');
  assert.equal(asker.page.url(), asked.own);
});

journey('an answer that was spoilt on its way is opened when it comes again', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  await answer(await arrive(), asked.path, 'in one piece');
  await asker.reaches('ready');
  await asker.page.route(isPickup, async (route) => {
    const came = await route.fetch();
    const { data } = await came.json();
    await route.fulfill({ response: came, json: { data: { ...data, sealed: `${data.sealed.slice(0, -8)}AAAAAAAA` } } });
  }, { times: 1 });
  await asker.button('Open the answer').click();
  await asker.reaches('broken');
  await asker.page.reload();
  await asker.reaches('ready');
  assert.equal(await open(asker), 'in one piece');
});

journey('over plain http on a local network both pages say what is missing', async (arrive) => {
  const there = `http://${lan}:${node.port}`;
  const asker = await arrive();
  const asked = await request(asker);
  const who = await arrive();
  await who.visit('/ask', there);
  await who.reaches('no-crypto');
  await who.visit(asked.path, there);
  await who.reaches('no-crypto');
  assert.equal(who.calls().length, 0);
});

// ---- for everybody ------------------------------------------------------------------------------------

journey('the count is of bytes and ends where the server would refuse', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  const writer = await arrive();
  await write(writer, asked.path, 'x'.repeat(7_360));
  await writer.page.getByText('Too long by 1 bytes.').waitFor();
  assert.ok(await writer.button('Seal and send').isDisabled());
  await writer.page.getByRole('textbox', { name: 'Your answer' }).fill('x'.repeat(7_359));
  await writer.button('Seal and send').click();
  await writer.reaches('sent');
  await asker.reaches('ready');
  assert.equal((await open(asker)).length, 7_359);
});

journey('each language says it all and fits a phone', async (arrive) => {
  const asker = await arrive();
  const asked = await request(asker);
  for (const language of ['en', 'de', 'fr', 'es', 'pt', 'ja', 'zh']) {
    const who = await arrive({ locale: language, viewport: { width: 320, height: 640 } });
    for (const [path, state] of [['/ask', 'writing'], [asked.ownPath, 'made'], [asked.path, 'writing'], ['/r', 'fault']]) {
      await who.visit('/robots.txt');
      await who.visit(path);
      await who.reaches(state);
      assert.equal(await who.page.evaluate(() => document.documentElement.lang), language);
      const said = await who.page.locator('body').innerText();
      assert.ok(!/undefined|\[object|NaN|=>/.test(said), said);
      assert.ok(await who.fits(), `${language} ${path} is wider than a phone`);
    }
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
      if (process.env.NACRE_SHOTS) await who.page.screenshot({ path: `${process.env.NACRE_SHOTS}/${where.replaceAll(' ', '-')}-${colorScheme}.png`, fullPage: true });
    };
    await who.visit('/ask');
    await who.reaches('writing');
    await check('ask');
    const asked = await request(who);
    await check('made');
    await who.button('Withdraw the request').click();
    await check('withdraw');
    const other = await who.context.newPage();
    const first = who.page;
    who.page = other;
    await write(who, asked.path, 'the door code is 4711');
    await check('answer');
    await who.button('Seal and send').click();
    await who.reaches('sent');
    await check('sent');
    await who.page.reload();
    await who.reaches('answered');
    await check('answered');
    await who.visit('/r#1broken');
    await who.reaches('fault');
    await check('fault');
    who.page = first;
    await who.page.bringToFront();
    await who.reaches('ready');
    await check('ready');
    await who.button('Open the answer').click();
    await who.reaches('shown');
    await check('masked');
    await who.read();
    await check('shown');
    await who.visit(asked.ownPath);
    await who.reaches('picked');
    await check('picked');
  }
});

journey('the keyboard is enough, and focus goes where something happened', async (arrive) => {
  const who = await arrive();
  const press = (key) => who.page.keyboard.press(key);
  const reach = async (what) => {
    for (let i = 0; i < 20; ++i) {
      if ((await who.focused()) === what) return;
      await press('Tab');
    }
    assert.fail(`no Tab leads to ${what}`);
  };
  await who.visit('/ask');
  await who.reaches('writing');
  await reach('Create the request');
  await press('Enter');
  await who.reaches('made');
  await who.page.waitForFunction(() => document.activeElement.textContent === 'Your request');
  const link = await who.page.locator('[data-test=link]').textContent();
  const own = who.page.url();
  await who.page.goto(link);
  await who.reaches('writing');
  await reach('text');
  await who.page.keyboard.type('typed by hand');
  await reach('Seal and send');
  await press('Enter');
  await who.reaches('sent');
  await who.page.waitForFunction(() => document.activeElement.textContent === 'Sent');
  await who.page.goto(own);
  await who.reaches('ready');
  await reach('Open the answer');
  await press('Enter');
  await who.reaches('shown');
  await who.page.waitForFunction(() => document.activeElement.textContent === 'Your secret');
  await reach('Show');
  await press('Space');
  await who.page.getByText('typed by hand').waitFor();
});

journey('what is refused, kept or withdrawn takes the focus from nobody', async (arrive) => {
  const asker = await arrive();
  const refuse = (who, pattern) => who.page.route(pattern, (route) => route.fulfill({ status: 403, json: {} }), { times: 1 });
  const pressed = async (who, name, pattern) => {
    await refuse(who, pattern);
    await who.button(name).press('Enter');
    await who.page.getByRole('alert').getByText('This server does not offer this to guests.').waitFor();
    assert.equal(await who.focused(), name);
  };
  await asker.visit('/ask');
  await pressed(asker, 'Create the request', '**/api/v1/requests');
  const asked = await request(asker);
  const writer = await arrive();
  await write(writer, asked.path, 'held fast');
  await pressed(writer, 'Seal and send', isAnswer);

  await asker.button('Withdraw the request').press('Enter');
  await asker.button('Keep it').press('Enter');
  assert.equal(await asker.focused(), 'Withdraw the request');
  await asker.button('Withdraw the request').press('Enter');
  await asker.page.route('**/api/v1/requests/*', (route) => (route.request().method() === 'DELETE' ? route.fulfill({ status: 403, json: {} }) : route.fallback()));
  await asker.page.getByRole('button', { name: 'Withdraw', exact: true }).press('Enter');
  await asker.page.getByRole('alert').waitFor();
  assert.equal(await asker.focused(), 'Withdraw');
  await asker.page.unroute('**/api/v1/requests/*');

  await writer.button('Seal and send').press('Enter');
  await asker.reaches('ready');
  await pressed(asker, 'Open the answer', isPickup);
  const second = await arrive();
  await request(second);
  await second.button('Withdraw the request').press('Enter');
  await second.page.getByRole('button', { name: 'Withdraw', exact: true }).press('Enter');
  await second.reaches('cancelled');
  assert.equal(await second.focused(), 'Withdrawn');
});

});

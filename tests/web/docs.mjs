// The reference of the API, in a real browser against the real node.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { journeysIn, launch, Node } from './kit.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

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

const card = (who, id) => who.page.locator(`#${id}`);
const isOpen = (who, id) => card(who, id).locator(':scope > details').getAttribute('open');

describe('the reference', { concurrency: 2 }, () => {

test('it comes under the policy of the other pages, without a foreign host in it', async () => {
  const page = await fetch(`${node.url}/docs`);
  assert.equal(page.status, 200);
  const policy = page.headers.get('content-security-policy');
  for (const rule of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "trusted-types 'none'"]) assert.ok(policy.includes(rule), rule);
  const html = await page.text();
  for (const [, at] of html.matchAll(/(?:src|href)="([^"]+)"/g)) assert.match(at, /^\//);
});

journey('it shows every endpoint that is described, and each of them opens', async (arrive) => {
  const who = await arrive();
  await who.visit('/docs');
  await who.reaches('shown');
  const api = await (await fetch(`${node.url}/openapi.json`)).json();
  const ids = Object.values(api.paths).flatMap((verbs) => Object.values(verbs).map((each) => each.operationId));
  assert.deepEqual((await who.page.locator('article').evaluateAll((all) => all.map((each) => each.id))).sort(), ids.sort());
  for (const summary of await who.page.locator('article > details > summary').all()) await summary.evaluate((each) => each.click());
  await who.page.locator('article .try pre').nth(ids.length - 1).waitFor();
  assert.equal(await who.page.locator('article .try pre').count(), ids.length);
  assert.equal((await who.page.locator('main').innerText()).includes('undefined'), false);
});

journey('an address leads to its endpoint, also when it changes and when a search hides it', async (arrive) => {
  const who = await arrive();
  await who.visit('/docs#create-pat');
  await who.reaches('shown');
  assert.notEqual(await isOpen(who, 'create-pat'), null);
  assert.match(await card(who, 'create-pat').innerText(), /Created/);
  await who.page.keyboard.press('/');
  await who.page.keyboard.type('webhook test');
  await who.page.locator('#create-pat').waitFor({ state: 'detached' });
  assert.ok(await card(who, 'test-webhook').isVisible());
  await who.page.evaluate(() => (location.hash = '#v2-reveal'));
  await card(who, 'v2-reveal').locator('.try').waitFor();
  await who.page.keyboard.press('Escape');
});

journey('a line can be copied, and fields open up, by keyboard alone', async (arrive) => {
  const who = await arrive({ permissions: ['clipboard-write'] });
  await who.visit('/docs#get-pat');
  await who.reaches('shown');
  const copy = card(who, 'get-pat').getByRole('button', { name: 'Copy: Request' });
  await copy.focus();
  await who.page.keyboard.press('Enter');
  await card(who, 'get-pat').getByRole('button', { name: 'Copy: Request' }).filter({ hasText: 'Copied' }).waitFor();
  const line = await card(who, 'get-pat').locator('.try pre').textContent();
  assert.match(line, /^curl \\\n {2}-H "Authorization: Bearer \$JWT"/);
  assert.ok(line.endsWith(`${node.url}/api/v1/pats/0b6c1f0e-2f3c-4d7e-9a51-0d2f8f5f9a10`));
  const inside = card(who, 'get-pat').locator('.fields summary', { hasText: 'Pat' });
  await inside.focus();
  await who.page.keyboard.press('Enter');
  await card(who, 'get-pat').locator('dt', { hasText: 'canReveal' }).waitFor();
});

journey('on a phone the contents unfold, nothing is wider than the screen', async (arrive) => {
  const who = await arrive({ viewport: { width: 360, height: 700 } });
  await who.visit('/docs#service-create-token');
  await who.reaches('shown');
  await card(who, 'service-create-token').locator('.try').waitFor();
  assert.ok((await who.page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
  await who.button('Contents').click();
  await who.page.getByRole('navigation').locator('summary', { hasText: 'Webhooks' }).click();
  await who.page.getByRole('navigation').getByRole('link', { name: 'POST /workspaces/{id}/webhooks/{hookId}/test' }).click();
  await card(who, 'test-webhook').locator('.try').waitFor();
  assert.equal(await who.page.getByRole('navigation').isVisible(), false);
});

for (const colorScheme of ['light', 'dark'])
  journey(`no serious fault for who cannot see or point (${colorScheme})`, async (arrive) => {
    const who = await arrive({ colorScheme });
    await who.visit('/docs#create-pat');
    await who.reaches('shown');
    await card(who, 'create-pat').locator('.try').waitFor();
    await card(who, 'create-pat').locator('.refusals summary').first().click();
    await who.page.evaluate(axe);
    const { violations } = await who.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(serious.map(({ id, nodes }) => `${id} at ${nodes.map(({ target }) => target).slice(0, 3).join(', ')}`), []);
  });
});

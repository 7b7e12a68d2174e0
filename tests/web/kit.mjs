// A node of its own, one browser, and the few steps the journeys are made of. Every wait is for the thing itself and
// bounded by the test's time.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { chromium } from 'playwright-core';

export const binaries = process.env.NACRE_BIN_DIR ?? new URL('../../build/release/bin', import.meta.url).pathname;
const chromiumPath = process.env.NACRE_CHROMIUM ?? '/usr/bin/chromium';

async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

// The node reads settings of its own from NACRE_*; those of the tests are none of them.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NACRE_')));

// nacred on a directory of its own; it can be killed and started again on the same address.
export class Node {
  // `more`: arguments, or what makes them of the node's folder; without `dev` it is a node as in production.
  static async start(more = ['--set', 'limits.enabled=false'], { dev = true } = {}) {
    const node = new Node();
    node.folder = mkdtempSync(join(tmpdir(), 'nacre-web-'));
    node.port = await freePort();
    node.more = typeof more === 'function' ? ['--set', 'limits.enabled=false', ...more(node.folder)] : more;
    node.kind = ['--dev'];
    if (!dev) {
      const key = join(node.folder, 'root.key');
      writeFileSync(key, randomBytes(32).toString('hex'), { mode: 0o600 });
      node.kind = ['--set', `keys.root=file:${key}`];
    }
    await node.restart();
    return node;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async restart() {
    const given = [...this.kind, '--data-dir', this.folder, '--http', `127.0.0.1:${this.port}`, ...this.more];
    const child = spawn(join(binaries, 'nacred'), given, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let said = '';
    child.stderr.on('data', (text) => (said = (said + text).slice(-4_000)));
    child.ended = new Promise((done) => child.once('exit', done));
    const ready = (async () => {
      for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('ready ')) return true;
      return false;
    })();
    if (!(await ready)) throw new Error(`nacred ended before it was ready: ${said}`);
    child.stdout.resume();
  }

  async kill(signal = 'SIGKILL') {
    this.child.kill(signal);
    await this.child.ended;
  }

  async end() {
    await this.kill('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  // A guest's call, as a program makes it.
  async call(verb, path, body, headers = {}) {
    const init = { method: verb, headers: { ...headers } };
    if (body !== undefined) {
      init.headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    const answer = await fetch(`${this.url}/api/v2/guest${path}`, init);
    return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
  }

  async conceal(secret, more = {}) {
    const { status, body } = await this.call('POST', '/secret/conceal', { secret: { secret, ttl: 3600, ...more } });
    assert.equal(status, 200);
    return { secret: body.record.secret.identifier, receipt: body.record.receipt.identifier };
  }

  async stateOf(receipt) {
    return (await this.call('GET', `/receipt/${receipt}`)).body.record.state;
  }

  async isStillThere(secret) {
    return (await this.call('GET', `/secret/${secret}`, undefined, { 'Sec-Purpose': 'prefetch' })).status === 200;
  }
}

// Journeys of people in the world that `at` answers: `arrive` opens a browser profile of one person; all leave at the
// end, and none may have met a fault.
export function journeysIn(at) {
  return (name, walk) =>
    test(name, { timeout: 60_000 }, async () => {
      const people = [];
      const arrive = async (options, node = at().node) => {
        people.push(await Person.arrive(at().browser, node, options));
        return people.at(-1);
      };
      try {
        await walk(arrive);
      } catch (error) {
        for (const who of people) {
          const said = await who.page.locator('body').innerText({ timeout: 1_000 }).catch(() => '');
          console.error(`# ${who.page.url().replace(/[#].*/, '#…')}: ${said.replace(/\s+/g, ' ').slice(0, 600)} ${who.faults.join('; ')}`);
        }
        throw error;
      } finally {
        await Promise.all(people.map((who) => who.context.close()));
      }
      for (const who of people) assert.deepEqual(who.faults, []);
    });
}

// One browser for all tests. A name that is neither https nor one's own machine leads to the node, too: there browsers
// give pages no cryptography, as on somebody's home network.
export const lan = 'nacre-on-the-lan.test';

export function launch() {
  return chromium.launch({
    executablePath: chromiumPath,
    headless: true,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${lan} 127.0.0.1, EXCLUDE 127.0.0.1`],
  });
}

// Somebody's own browser profile. What no page may ever do is collected in `faults` and checked when they leave.
export class Person {
  static async arrive(browser, node, options = {}) {
    const who = new Person();
    who.node = node;
    who.context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce', ...options });
    who.context.setDefaultTimeout(15_000);
    who.faults = [];
    who.requests = [];
    who.context.on('request', (request) => {
      who.requests.push(request);
      const { hostname } = new URL(request.url());
      if (hostname !== '127.0.0.1' && hostname !== lan) who.faults.push(`asked a foreign host: ${hostname}`);
      if (request.headers().referer) who.faults.push(`told where it came from: ${request.method()} ${request.url()}`);
    });
    who.context.on('weberror', ({ error }) => error() && who.faults.push(`threw: ${error().stack}`));
    who.context.on('console', (message) => {
      if (/content security policy|trusted ?type/i.test(message.text())) who.faults.push(message.text());
    });
    who.page = await who.context.newPage();
    return who;
  }

  async visit(path, base = this.node.url) {
    await this.page.goto(base + path);
  }

  // The same tab, another link; the page has heard of it.
  async goTo(path) {
    await this.page.evaluate((hash) => new Promise((done) => {
      addEventListener('hashchange', done, { once: true });
      location.hash = hash;
    }), path.slice(path.indexOf('#')));
  }

  // Waits until the page is at `state`, and answers whether it got there by one of them.
  async reaches(...states) {
    await this.page.locator(states.map((state) => `main[data-state="${state}"]`).join(', ')).waitFor();
    return this.page.locator('main').getAttribute('data-state');
  }

  // Nothing sticks out of the window, nor into the edge of a card, which would cut it off.
  fits() {
    return this.page.evaluate(() => {
      const inside = (card) => {
        const end = card.getBoundingClientRect().right - Number.parseFloat(getComputedStyle(card).paddingRight);
        return [...card.querySelectorAll('*')].every((each) => each.getBoundingClientRect().right <= end);
      };
      return document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll('.card')].every(inside);
    });
  }

  // What has the focus once the next frame is drawn: its id, or its words.
  focused() {
    return this.page.evaluate(async () => {
      await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
      const { activeElement: it } = document;
      return it === document.body ? 'nothing' : it.id || it.textContent.trim();
    });
  }

  button(name) {
    return this.page.getByRole('button', { name });
  }

  async share(text, { where = 'In this browser', passphrase = '' } = {}) {
    await this.visit('/');
    await this.page.getByRole('textbox', { name: 'Your secret' }).fill(text);
    if (passphrase) await this.page.getByRole('textbox', { name: 'Passphrase (optional)' }).fill(passphrase);
    await this.page.getByRole('radio', { name: where }).check();
    await this.button('Create the link').click();
    await this.reaches('shared');
    const link = await this.page.locator('[data-test=link]').textContent();
    const receipt = await this.page.locator('[data-test=receipt]').textContent();
    return { link, receipt, path: link.slice(this.node.url.length), receiptPath: receipt.slice(this.node.url.length) };
  }

  async clickOpen() {
    await this.button('Open the secret').click();
  }

  async read() {
    await this.reaches('shown');
    await this.button('Show: Secret').click();
    return this.page.locator('[data-test=value]').textContent();
  }

  // Calls of the API so far, as "POST .../reveal".
  calls(of = '') {
    return this.requests.filter((each) => each.url().includes('/api/') && `${each.method()} ${each.url()}`.includes(of));
  }

  async leave() {
    await this.context.close();
    assert.deepEqual(this.faults, []);
  }
}

// A node, people on it, and schemas that take no field they do not describe.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const binaries = process.env.NACRE_BIN_DIR ?? new URL('../../build/release/bin', import.meta.url).pathname;
// The node reads settings of its own from NACRE_*; those of the tests are none of them.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NACRE_')));

async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

export class Node {
  static async start(...settings) {
    return new Node().run(settings);
  }

  // The only node of a cluster.
  static async startCluster(...settings) {
    const node = new Node();
    const nacre = (...given) => execFileSync(join(binaries, 'nacre'), given, { env: environment });
    const ca = join(node.folder, 'ca');
    nacre('ca', 'init', '--dir', ca);
    nacre('ca', 'issue', '1', '--dir', ca);
    node.address = `127.0.0.1:${await freePort()}`;
    return node.run([...settings, 'cluster.node=1', `cluster.listen=${node.address}`, `cluster.peers=1=${node.address}`,
      `cluster.ca=${ca}/ca.crt`, `cluster.certificate=${ca}/node-1.crt`, `cluster.key=${ca}/node-1.key`]);
  }

  folder = mkdtempSync(join(tmpdir(), 'nacre-api-'));

  async run(settings) {
    const node = this;
    node.port = await freePort();
    const given = ['--dev', '--data-dir', node.folder, '--http', `127.0.0.1:${node.port}`];
    for (const each of settings) given.push('--set', each);
    node.child = spawn(join(binaries, 'nacred'), given, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    node.child.stderr.on('data', (text) => (said = (said + text).slice(-4_000)));
    node.child.ended = new Promise((done) => node.child.once('exit', done));
    let ready = false;
    for await (const line of createInterface({ input: node.child.stdout })) {
      ready = line.startsWith('ready ');
      if (ready) break;
    }
    if (!ready) throw new Error(`nacred ended before it was ready: ${said}`);
    node.child.stdout.resume();
    return node;
  }

  async end() {
    this.child.kill('SIGTERM');
    await this.child.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  // A person, by a JWT of the development issuer.
  person(email, ...more) {
    const id = randomUUID();
    const given = ['token', 'mint', '--data-dir', this.folder, '--sub', id, '--email', email, ...more];
    return { id, email, jwt: execFileSync(join(binaries, 'nacre'), given, { env: environment, encoding: 'utf8' }).trim() };
  }

  // Paths and headers go out as they are.
  send(method, path, headers = {}, body = undefined) {
    return new Promise((done, failed) => {
      const all = { ...headers };
      if (body !== undefined) all['Content-Length'] = Buffer.byteLength(body);
      const to = request({ host: '127.0.0.1', port: this.port, method, path, headers: all }, (from) => {
        const parts = [];
        from.on('data', (part) => parts.push(part));
        from.on('end', () => done({ status: from.statusCode, headers: from.headers, text: Buffer.concat(parts).toString() }));
        from.on('error', failed);
      });
      to.on('error', failed);
      to.end(body);
    });
  }

  // What must succeed for a test to go on.
  async make(method, path, headers, body) {
    const more = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const answer = await this.send(method, path, { ...headers, ...more }, body === undefined ? undefined : JSON.stringify(body));
    assert.equal(Math.floor(answer.status / 100), 2, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.text ? JSON.parse(answer.text) : null;
  }
}

// ---- schemas ---------------------------------------------------------------------------------------------

// Every object of an answer takes only what is described. `open`: it is a part of one (allOf) that is closed as a whole.
function closed(schema, open = false) {
  if (typeof schema !== 'object' || schema === null) return schema;
  const out = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') out[key] = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, closed(each)]));
    else if (key === 'items') out[key] = closed(value);
    else if (key === 'allOf') out[key] = value.map((each) => closed(each, true));
    else if (key === 'anyOf') out[key] = value.map((each) => closed(each, open));
    else if (key === '$ref') out[key] = value.replace('#/components/schemas/', open ? 'open:' : 'closed:');
    else out[key] = value;
  }
  if (!open && (schema.allOf || (schema.properties && schema.additionalProperties === undefined))) out.unevaluatedProperties = false;
  return out;
}

// Validators for what goes in, as the document says it, and for what comes out, closed.
export class Schemas {
  constructor(document) {
    this.document = document;
    this.ajv = addFormats(new Ajv2020({ strict: false, allErrors: false }));
    this.ajv.addFormat('uri', /^https?:\/\/[^\s]+$/);
    this.ajv.addSchema({ $id: 'document', ...document });
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      this.ajv.addSchema({ $id: `open:${name}`, ...closed(schema, true) });
      this.ajv.addSchema({ $id: `closed:${name}`, ...closed(schema) });
    }
    this.compiled = new Map();
  }

  resolve(what) {
    let at = what;
    while (at?.$ref) {
      const { $ref, ...more } = at;
      at = { ...$ref.slice(2).split('/').reduce((of, part) => of[part.replaceAll('~1', '/')], this.document), ...more };
    }
    return at;
  }

  check(schema, value, outgoing) {
    const key = `${outgoing}${JSON.stringify(schema)}`;
    if (!this.compiled.has(key)) {
      const own = outgoing ? closed(schema) : JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'));
      this.compiled.set(key, this.ajv.compile(own));
    }
    const validate = this.compiled.get(key);
    return validate(value) ? null : this.ajv.errorsText(validate.errors) + ' ' + JSON.stringify(validate.errors[0].params);
  }

  complaint(schema, answered) {
    return this.check(schema, answered, true);
  }

  refusal(schema, asked) {
    return this.check(schema, asked, false);
  }
}

// Every operation, with parameters and answers as they are, not as references.
export function operationsOf(document) {
  const schemas = new Schemas(document);
  const out = [];
  for (const [path, verbs] of Object.entries(document.paths))
    for (const [verb, what] of Object.entries(verbs))
      out.push({
        id: what.operationId,
        verb: verb.toUpperCase(),
        path,
        tag: what.tags[0],
        security: what.security,
        parameters: (what.parameters ?? []).map((each) => ({ component: each.$ref.split('/').pop(), ...schemas.resolve(each) })),
        body: what.requestBody,
        responses: Object.fromEntries(Object.entries(what.responses).map(([status, each]) => [status, schemas.resolve(each)])),
      });
  return { schemas, operations: out };
}

// Examples of a media type, by name.
export function examplesOf(media) {
  if (media.examples) return Object.entries(media.examples).map(([name, { value }]) => [name, value]);
  return media.example === undefined ? [] : [['example', media.example]];
}

export function bodyText(type, value) {
  if (type === 'application/json') return [type, JSON.stringify(value)];
  if (type === 'application/x-www-form-urlencoded') return [type, new URLSearchParams(value).toString()];
  const boundary = 'a-boundary-of-a-test';
  const parts = Object.entries(value).map(([name, text]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`);
  return [`${type}; boundary=${boundary}`, `${parts.join('')}--${boundary}--\r\n`];
}

// What /openapi.json says is what the node does: each documented example is sent, each answer has a status that is
// described and a body that is described, whole. Then the same calls with what is wrong with them, one by one.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { bodyText, examplesOf, Node, operationsOf } from './kit.mjs';

let node, owner, stranger, document, schemas, operations;
const seen = new Map(); // operation id -> statuses
const told = new Set(); // schemas of answers that had a value somewhere

before(async () => {
  node = await Node.startCluster('limits.address_per_second=1000000', 'limits.address_burst=1000000', 'limits.failed_auth_per_minute=1000000',
    'limits.guest_create_per_minute=1000000', 'limits.guest_reveal_per_minute=1000000', 'reveal.per_user=600',
    'webhooks.allowed_hosts=127.0.0.1', 'unleash.tokens_per_user=100');
  owner = node.person('ada@example.com', '--scope', 'nacre.cluster');
  stranger = node.person('eve@example.com');
  document = JSON.parse((await node.send('GET', '/openapi.json')).text);
  ({ schemas, operations } = operationsOf(document));
});
after(() => node?.end());

// ---- a stage for one call --------------------------------------------------------------------------------

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const basic = (name, token) => ({ Authorization: `Basic ${Buffer.from(`${name}:${token}`).toString('base64')}` });

// A workspace of its own, with all that an example may speak of.
async function stageFor(operation) {
  const stage = { operation };
  stage.workspace = (await node.make('POST', '/api/v1/workspaces', bearer(owner.jwt), { name: 'My Team' })).data.id;
  stage.jwt = { ...bearer(owner.jwt), 'X-Workspace-Id': stage.workspace };
  stage.project = (await node.make('POST', `/api/v1/workspaces/${stage.workspace}/projects`, stage.jwt, { name: 'Tariffs', key: operation.id === 'create-project' ? 'tariffs' : 'pricing', version: 'v1' })).data.id;
  return stage;
}

async function newPat(stage, scopes = ['admin', 'introspect']) {
  return (await node.make('POST', '/api/v1/pats', stage.jwt, { name: 'a token', scopes, expiresAt: '2097-01-01T00:00:00Z' })).data;
}

async function newServiceToken(stage, path) {
  const body = { note: 'a token', permissions: ['owner'], allProjects: true, expiry: 'year' };
  return node.make('POST', `${path}/personal-access-tokens`, stage.jwt, body);
}

async function newUnleashToken(stage, path) {
  return node.make('POST', `/api/admin/${path}`, stage.jwt, { description: randomUUID(), expiresAt: '2097-01-01T00:00:00Z' });
}

// What a path parameter says: the id of something that is there.
const captures = {
  WorkspaceId: (stage) => stage.workspace,
  MemberId: async (stage) => {
    const id = randomUUID();
    await node.make('PUT', `/api/v1/workspaces/${stage.workspace}/members/${id}`, stage.jwt, { role: 'member' });
    return id;
  },
  PatId: async (stage) => (await newPat(stage)).id,
  WebhookId: async (stage) =>
    (await node.make('POST', `/api/v1/workspaces/${stage.workspace}/webhooks`, stage.jwt, { url: 'http://127.0.0.1:1/hook' })).data.id,
  ServiceUserId: async (stage) => {
    stage.serviceUser = (await node.make('POST', '/api/users/service', stage.jwt, { email: 'ci@example.com', type: 'admin' })).id;
    return stage.serviceUser;
  },
  ServicePatId: async (stage) => {
    if (stage.serviceUser) return (await newServiceToken(stage, `/api/users/service/${stage.serviceUser}`)).id;
    return (await newServiceToken(stage, '/api')).id;
  },
  UnleashId: async (stage) => {
    if (stage.operation.path.startsWith('/api/admin/user')) return (await newUnleashToken(stage, 'user/tokens')).id;
    stage.account = (await node.make('POST', '/api/admin/service-account', stage.jwt, { username: randomUUID(), name: 'ci', rootRole: 2 })).id;
    return stage.account;
  },
  UnleashTokenId: async (stage) => (await newUnleashToken(stage, `service-account/${stage.account}/token`)).id,
  RequestId: (stage) => requestOf(stage),
  Identifier: (stage) => linkOf(stage),
  Key: (stage) => linkOf(stage),
  LinkInPage: () => 'kJ8sQ2mZ7xW4vB1nR6tY3uP9aC5dE0fG2hL8iO4jK6q',
  AssetName: async () => /\/assets\/([^"]+\.js)/.exec((await node.send('GET', '/')).text)[1],
};

// A secret or its receipt, made by who asks for it.
async function linkOf(stage) {
  const made = await node.make('POST', '/api/v2/secret/conceal', stage.account ?? {}, { secret: { secret: 'the text', passphrase: 'sesame' } });
  const ofReceipt = /receipt|private|metadata/.test(stage.operation.path);
  stage.secret = made.record.secret.identifier;
  if (stage.operation.id.endsWith('confirm-reveal'))
    await node.make('POST', `/api/v2/secret/${stage.secret}/reveal`, { ...stage.account, 'Idempotency-Key': 'deploy-2026-11-22-0001' }, { passphrase: 'sesame', continue: true });
  return ofReceipt ? made.record.receipt.identifier : stage.secret;
}

// A request for a secret, as far as the operation needs it to have come.
async function requestOf(stage) {
  const { id, pickupKey } = (await node.make('POST', '/api/v1/requests', {}, {})).data;
  stage.pickupKey = pickupKey;
  if (!/pick/.test(stage.operation.id)) return id;
  await node.make('POST', `/api/v1/requests/${id}/answer`, {}, { sealed: `nacre-answer1.${'A'.repeat(64)}` });
  if (stage.operation.id === 'confirm-pickup')
    await node.make('POST', `/api/v1/requests/${id}/pickup`, { 'Pickup-Key': pickupKey, 'Idempotency-Key': 'deploy-2026-11-22-0001' });
  return id;
}

// The headers of one credential that the operation takes; {} is a guest.
async function credentialOf(stage, scheme) {
  if (scheme === 'jwt') return bearer(owner.jwt);
  if (scheme === 'pat') return bearer((await newPat(stage)).token);
  if (scheme === 'serviceToken') return bearer((await newServiceToken(stage, '/api')).token);
  if (scheme === 'unleashToken') return { Authorization: (await newUnleashToken(stage, 'user/tokens')).secret };
  if (scheme === 'account') return (stage.account = basic(owner.email, (await newPat(stage)).token));
  assert.equal(scheme, undefined);
  return {};
}

// Examples name things that are not there; here are some that are.
async function filledIn(stage, value) {
  const samples = [
    ['7f1b1c52-4c1e-4f6a-9d3a-2b6f4e8d9c01', stage.workspace],
    ['33333333-3333-4333-8333-333333333333', owner.id],
    ['11111111-1111-4111-8111-111111111111', stage.project],
    ['10.0.0.1:7400', node.address],
    ['https://hooks.example.com/nacre', 'http://127.0.0.1:1/nacre'],
    ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', `${randomUUID()}${randomUUID()}`.replaceAll('-', '')],
  ];
  let text = JSON.stringify(value);
  if (stage.operation.id === 'introspect') samples.push([/pat_wsa3f8c2_[0-9a-f]+/.exec(text)?.[0] ?? 'none', (await newPat(stage)).token]);
  if (stage.pickupKey) samples.push(['pK3vN8sQ2mZ7xW4vB1nR6tY3uP9aC5dE0fG2hL8iO4j', stage.pickupKey]);
  if (stage.operation.id === 'v2-secrets-status') samples.push(['kJ8sQ2mZ7xW4vB1nR6tY3uP9aC5dE0fG2hL8iO4jK6q', await linkOf(stage)]);
  for (const [sample, real] of samples) text = text.replaceAll(sample, real);
  return JSON.parse(text);
}

const sampleOf = (parameter) => parameter.example ?? schemas.resolve(parameter.schema).default;

// Everything that goes out, to be changed by a test before it does.
async function prepared(operation, scheme, { type, value, everything = false } = {}) {
  const stage = await stageFor(operation);
  const headers = await credentialOf(stage, scheme);
  const query = new URLSearchParams();
  let path = operation.path;
  for (const parameter of operation.parameters) {
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, await captures[parameter.component](stage));
    else if (parameter.component.startsWith('Workspace')) headers[parameter.name] = stage.workspace;
    else if (parameter.required || everything || (scheme === 'jwt' && parameter.component === 'RequiredWorkspace')) {
      const text = String((await filledIn(stage, [sampleOf(parameter)]))[0]);
      if (parameter.in === 'query') query.set(parameter.name, text);
      else headers[parameter.name] = text;
    }
  }
  if (operation.id === 'console-dev-token') headers.Origin = `http://127.0.0.1:${node.port}`;
  // A reveal that was made with the key is what can be confirmed.
  if (operation.id === 'confirm-pat-reveal')
    await node.make('POST', path, { ...stage.jwt, 'Idempotency-Key': headers['Idempotency-Key'] });
  let body;
  if (type) [headers['Content-Type'], body] = bodyText(type, await filledIn(stage, value));
  return { stage, verb: operation.verb, path, query, headers, body };
}

const sent = ({ verb, path, query, headers, body }) => node.send(verb, `${query}` ? `${path}?${query}` : path, headers, body);

// The answer is one that the document describes.
function judge(operation, answer, what, described = operation.responses[answer.status]) {
  const where = `${operation.id} (${what}): ${answer.status} ${answer.text.slice(0, 600)}`;
  assert.ok(described, `a status that is not described, ${where}`);
  if (!seen.has(operation.id)) seen.set(operation.id, new Set());
  seen.get(operation.id).add(String(answer.status));
  if (!described.content) return assert.equal(answer.text, '', `a body that is not described, ${where}`);
  const type = (answer.headers['content-type'] ?? '').split(';')[0];
  const media = described.content[type];
  assert.ok(media, `a content type that is not described, ${type}, ${where}`);
  if (type !== 'application/json' || operation.verb === 'HEAD') return undefined;
  const value = JSON.parse(answer.text);
  assert.equal(schemas.complaint(media.schema, value), null, where);
  note(media.schema, value);
  return value;
}

// Which described fields have been there.
function note(schema, value) {
  const at = schemas.resolve(schema);
  for (const each of [...(at.allOf ?? []), ...(at.anyOf ?? [])]) note(each, value);
  if (Array.isArray(value)) {
    if (at.items) for (const item of value) note(at.items, item);
  } else if (value && typeof value === 'object') {
    for (const [name, inside] of Object.entries(at.properties ?? {}))
      if (name in value) {
        told.add(inside);
        note(inside, value[name]);
      }
  }
}

const schemesOf = (operation) => (operation.security.length === 0 ? [undefined] : operation.security.map((each) => Object.keys(each)[0]));

function* bodiesOf(operation) {
  if (!operation.body) return yield ['without a body', {}];
  if (!operation.body.required) yield ['without a body', {}];
  for (const [type, media] of Object.entries(operation.body.content)) {
    const all = examplesOf(media);
    assert.ok(all.length > 0, `${operation.id}: ${type} without an example`);
    for (const [name, value] of all) yield [`${type}, ${name}`, { type, value }];
  }
}

// ---- the document ----------------------------------------------------------------------------------------

test('each documented example keeps its own schema', () => {
  for (const operation of operations) {
    for (const [type, media] of Object.entries(operation.body?.content ?? {}))
      for (const [name, value] of examplesOf(media)) assert.equal(schemas.refusal(media.schema, value), null, `${operation.id}: ${type}, ${name}`);
    for (const parameter of operation.parameters) {
      const sample = sampleOf(parameter);
      if (sample !== undefined) assert.equal(schemas.refusal(parameter.schema, sample), null, `${operation.id}: ${parameter.name}`);
    }
    for (const [status, described] of Object.entries(operation.responses))
      for (const media of Object.values(described.content ?? {}))
        if (media.example !== undefined) assert.equal(schemas.complaint(media.schema, media.example), null, `${operation.id}: ${status}`);
  }
  const walk = (schema, where) => {
    if (typeof schema !== 'object' || schema === null) return;
    for (const value of schema.examples ?? []) assert.equal(schemas.refusal({ ...schema, examples: undefined }, value), null, where);
    for (const [key, inside] of Object.entries(schema)) if (key !== 'examples') walk(inside, `${where}/${key}`);
  };
  for (const [name, schema] of Object.entries(document.components.schemas)) walk(schema, name);
});

test('the document says which one it is, and is not sent twice', async () => {
  const first = await node.send('GET', '/openapi.json');
  assert.equal(first.headers['content-type'], 'application/json');
  const again = await node.send('GET', '/openapi.json', { 'If-None-Match': first.headers.etag });
  assert.equal(again.status, 304);
  assert.equal(again.text, '');
  assert.equal((await node.send('GET', '/openapi.json', { 'If-None-Match': '"other"' })).status, 200);
  assert.equal(document.servers, undefined); // none is configured, and where it listens is nobody's business
});

// ---- examples --------------------------------------------------------------------------------------------

// What somebody may do and a token may not, and what kinds of tokens have no scopes to require.
const notByToken = new Set(['create-workspace', 'get-cluster', 'put-cluster-members']);
// A look that tries no passphrase, of a secret that has one.
const wrongOnPurpose = (operation, name) => /reveal$|burn$/.test(operation.id) && /^v/.test(operation.id) && name === 'without a body';

test('each documented example is answered as it is documented', async (t) => {
  for (const operation of operations)
    await t.test(operation.id, async () => {
      for (const scheme of schemesOf(operation))
        for (const [name, body] of bodiesOf(operation))
          for (const everything of operation.parameters.some((each) => !each.required) ? [false, true] : [false]) {
            const what = `${scheme ?? 'nobody'}, ${name}${everything ? ', with all parameters' : ''}`;
            const call = await prepared(operation, scheme, { ...body, everything });
            const answer = await sent(call);
            judge(operation, answer, what);
            const good = Math.floor(answer.status / 100) === 2;
            const may = !(scheme === 'pat' && notByToken.has(operation.id)) && !(/^verify/.test(operation.id) && everything && /service|unleash/.test(scheme));
            if (may && !wrongOnPurpose(operation, name) && !(operation.id === 'v2-memo' && !scheme) && !(operation.id === 'v2-private-memo' && !scheme))
              assert.ok(good, `${operation.id} (${what}): ${answer.status} ${answer.text}`);
            for (const header of good ? Object.keys(operation.responses[answer.status].headers ?? {}) : [])
              if (!/^X-Nacre-Token/.test(header)) assert.ok(header.toLowerCase() in answer.headers, `${operation.id} (${what}) without ${header}`);
          }
    });
});

// ---- limits ----------------------------------------------------------------------------------------------

// Values at and beyond what a schema allows, as [what, value, good].
function* edgesOf(schema) {
  const at = schemas.resolve(schema);
  const types = [at.type].flat();
  if (at.maxLength !== undefined && !at.format && !at.pattern) {
    yield [`${at.maxLength} characters`, 'x'.repeat(at.maxLength), true];
    yield [`${at.maxLength + 1} characters`, 'x'.repeat(at.maxLength + 1), false];
  }
  if (at.minLength === 1) yield ['no characters', '', false];
  if (types.includes('integer')) {
    if (at.minimum !== undefined) yield [`${at.minimum}`, at.minimum, true], yield [`${at.minimum - 1}`, at.minimum - 1, false];
    if (at.maximum !== undefined) yield [`${at.maximum}`, at.maximum, true], yield [`${at.maximum + 1}`, at.maximum + 1, false];
  }
  if (at.enum && types.includes('string')) for (const word of [...at.enum, 'nothing-of-the-kind']) yield [word, word, at.enum.includes(word)];
  if (at.maxItems !== undefined && types.includes('array')) {
    const item = (n) => (at.items.format === 'uuid' || at.items.anyOf ? randomUUID() : `10.${n >> 8}.${n & 255}.1`);
    if (schema.$ref?.endsWith('AllowedNetworks')) yield [`${at.maxItems} items`, Array.from({ length: at.maxItems }, (_, n) => item(n)), true];
    if (schema.$ref?.endsWith('AllowedNetworks')) yield [`${at.maxItems + 1} items`, Array.from({ length: at.maxItems + 1 }, (_, n) => item(n)), false];
  }
}

test('limits of query parameters are where they are documented', async (t) => {
  for (const operation of operations) {
    const parameters = operation.parameters.filter((each) => each.in === 'query' && [...edgesOf(each.schema)].length > 0);
    if (parameters.length === 0) continue;
    await t.test(operation.id, async () => {
      for (const parameter of parameters)
        for (const [what, value, good] of edgesOf(parameter.schema)) {
          const call = await prepared(operation, schemesOf(operation)[0]);
          call.query.set(parameter.name, value);
          const answer = await sent(call);
          judge(operation, answer, `${parameter.name} ${what}`);
          assert.equal(Math.floor(answer.status / 100) === 2, good, `${operation.id}: ${parameter.name} ${what}: ${answer.status} ${answer.text}`);
        }
    });
  }
});

// Objects inside an example, with their schemas.
function* placesOf(schema, value, path = []) {
  const at = schemas.resolve(schema);
  if (!at.properties || typeof value !== 'object' || value === null) return;
  yield [at, path];
  for (const [name, inside] of Object.entries(at.properties)) if (name in value) yield* placesOf(inside, value[name], [...path, name]);
}

test('limits of bodies are where they are documented', async (t) => {
  for (const operation of operations) {
    const media = operation.body?.content['application/json'];
    if (!media) continue;
    await t.test(operation.id, async () => {
      const scheme = schemesOf(operation)[0];
      const [[, example]] = examplesOf(media);
      const attempt = async (what, change, good) => {
        const call = await prepared(operation, scheme, { type: 'application/json', value: example });
        const value = JSON.parse(call.body);
        change(value);
        call.body = JSON.stringify(value);
        assert.equal(schemas.refusal(media.schema, value) === null, good, `${operation.id}: ${what}: the schema`);
        const answer = await sent(call);
        judge(operation, answer, what);
        assert.equal(Math.floor(answer.status / 100) === 2, good, `${operation.id}: ${what}: ${answer.status} ${answer.text}`);
      };
      for (const [at, path] of placesOf(media.schema, example)) {
        const inside = (value) => path.reduce((of, name) => of[name], value);
        for (const name of at.required ?? []) await attempt(`without ${name}`, (value) => delete inside(value)[name], false);
        for (const [name, property] of Object.entries(at.properties))
          for (const [what, value, good] of edgesOf(property)) await attempt(`${name}: ${what}`, (all) => (inside(all)[name] = value), good);
        if (at.additionalProperties === false) await attempt('an unknown key', (value) => (inside(value).nothingOfTheKind = 1), false);
      }
    });
  }
});

// ---- refusals --------------------------------------------------------------------------------------------

const elsewhere = { MemberId: randomUUID, PatId: randomUUID, WebhookId: randomUUID, ServiceUserId: randomUUID, ServicePatId: randomUUID,
  UnleashId: () => 999_999, UnleashTokenId: () => 999_999, Identifier: () => 'n'.repeat(43), Key: () => 'n'.repeat(43), AssetName: () => 'none.js' };

test('each refusal is one that is documented', async (t) => {
  for (const operation of operations)
    await t.test(operation.id, async () => {
      const scheme = schemesOf(operation)[0];
      const first = operation.body && Object.entries(operation.body.content)[0];
      const body = first ? { type: first[0], value: examplesOf(first[1])[0][1] } : {};
      const attempt = async (what, change, good) => {
        const call = await prepared(operation, scheme, body);
        await change(call);
        const answer = await sent(call);
        judge(operation, answer, what);
        if (good !== undefined) assert.equal(Math.floor(answer.status / 100) === 2, good, `${operation.id}: ${what}: ${answer.status} ${answer.text}`);
      };
      // Refused before it was looked at, in the family's words.
      const call = await prepared(operation, scheme, body);
      const large = await sent({ ...call, headers: { ...call.headers, 'X-1': 'x'.repeat(14_000), 'X-2': 'x'.repeat(14_000), 'X-3': 'x'.repeat(14_000) } });
      assert.equal(operation.id.startsWith('v1-') ? Number(large.headers['x-ots-intended-status']) : large.status, 431);
      judge(operation, large, 'a head that is too large', operation.responses[large.status] ?? operation.responses.default);
      await attempt('a bad host', (bad) => (bad.headers.Host = 'a b'), false);
      if (scheme) {
        await attempt('no credential', (call) => delete call.headers.Authorization, operation.security.some((each) => Object.keys(each).length === 0) ? undefined : false);
        await attempt('a bad credential', (call) => (call.headers.Authorization = scheme === 'account' ? 'Basic YTpi' : 'Bearer nothing'), false);
      }
      if (scheme === 'jwt') await attempt('a stranger', (call) => Object.assign(call.headers, bearer(stranger.jwt)), undefined);
      const header = operation.parameters.find((each) => each.component.startsWith('Workspace') && each.in === 'header');
      if (header) await attempt('no workspace', (call) => (call.headers[header.name] = 'x'), false);
      for (const parameter of operation.parameters.filter((each) => each.in === 'path' && elsewhere[each.component])) {
        const at = operation.path.split('/').indexOf(`{${parameter.name}}`);
        const other = (text) => (call) => (call.path = call.path.split('/').map((part, n) => (n === at ? text : part)).join('/'));
        await attempt(`another ${parameter.name}`, other(elsewhere[parameter.component]()), undefined);
        await attempt(`a bad ${parameter.name}`, other('x'), undefined);
      }
      for (const each of operation.parameters.filter((one) => one.in === 'header' && one.required)) await attempt(`no ${each.name}`, (call) => delete call.headers[each.name], false);
      if (operation.parameters.some((each) => each.name === 'Idempotency-Key')) await attempt('a short key', (call) => (call.headers['Idempotency-Key'] = 'short'), false);
      if (operation.parameters.some((each) => each.in === 'query')) await attempt('a broken query', (call) => (call.query = 'x=%zz'), undefined);
      if (operation.responses[413]) await attempt('a body that is too large', (call) => (call.headers['Content-Type'] = 'application/json', call.body = `"${'x'.repeat(100_000)}"`), false);
      if (operation.body) {
        await attempt('no JSON', (call) => (call.headers['Content-Type'] = 'application/json', call.body = '{'), false);
        await attempt('another type', (call) => (call.headers['Content-Type'] = 'text/plain', call.body = 'x'), false);
      }
    });
});

const json = { 'Content-Type': 'application/json' };
const operationOf = (id) => operations.find((each) => each.id === id);

// One call of an operation on a stage that is there already; the answer has the status that is asked for.
async function expectAt(stage, id, status, path, headers, body) {
  const operation = operationOf(id);
  const answer = await node.send(operation.verb, path, body === undefined ? headers : { ...headers, ...json }, body === undefined ? undefined : JSON.stringify(body));
  assert.equal(answer.status, status, `${id}: ${answer.text}`);
  return judge(operation, answer, 'on a stage');
}

test('what the state forbids is refused as it is documented', async () => {
  const stage = await stageFor({ id: 'none', path: '' });
  const ws = `/api/v1/workspaces/${stage.workspace}`;
  const at = (...more) => expectAt(stage, ...more);
  const imported = { workspaceId: stage.workspace, userId: owner.id, name: 'old', tokenPrefix: 'pat_old', tokenHash: 'ab'.repeat(32), createdAt: '2026-01-02T03:04:05Z' };
  const old = (await at('import-pat', 201, '/api/v1/pats/import', stage.jwt, imported)).data;
  await at('import-pat', 409, '/api/v1/pats/import', stage.jwt, imported);
  await at('reveal-pat', 422, `/api/v1/pats/${old.id}/reveal`, stage.jwt);

  const rotations = [
    ['rotate-pat', '/api/v1/pats/', (await newPat(stage)).id],
    ['own-rotate-token', '/api/personal-access-tokens/', (await newServiceToken(stage, '/api')).id],
    ['service-rotate-token', `/api/users/service/${await captures.ServiceUserId(stage)}/personal-access-tokens/`, await captures.ServicePatId(stage)],
    ['unleash-rotate-token', '/api/admin/user/tokens/', (await newUnleashToken(stage, 'user/tokens')).id],
    ['unleash-rotate-account-token', `/api/admin/service-account/${await captures.UnleashId({ ...stage, operation: { path: '' } })}/token/`, undefined],
  ];
  for (const [id, before, token] of rotations) {
    const named = token ?? (await newUnleashToken(stage, before.slice('/api/admin/'.length, -1))).id;
    const path = `${before}${named}/rotate`;
    const good = /own|service-/.test(id) ? 201 : 200;
    await at(id, good, path, { ...stage.jwt, 'Idempotency-Key': 'the-first-of-two-keys' });
    await at(id, good, path, { ...stage.jwt, 'Idempotency-Key': 'the-other-of-two-keys' });
    await at(id, 409, path, { ...stage.jwt, 'Idempotency-Key': 'the-first-of-two-keys' });
  }

  await at('put-member', 409, `${ws}/members/${owner.id}`, stage.jwt, { role: 'member' });
  await at('remove-member', 409, `${ws}/members/${owner.id}`, stage.jwt);
  await at('create-project', 409, `${ws}/projects`, stage.jwt, { name: 'Pricing', key: 'pricing', version: 'v1' });
  const hook = (await at('create-webhook', 201, `${ws}/webhooks`, stage.jwt, { url: 'http://127.0.0.1:1/a' })).data.id;
  await at('update-webhook', 200, `${ws}/webhooks/${hook}`, stage.jwt, { enabled: false });
  await at('test-webhook', 409, `${ws}/webhooks/${hook}/test`, stage.jwt);
  for (let n = 1; n < 10; ++n) await at('create-webhook', 201, `${ws}/webhooks`, stage.jwt, { url: 'http://127.0.0.1:1/a' });
  await at('create-webhook', 409, `${ws}/webhooks`, stage.jwt, { url: 'http://127.0.0.1:1/a' });

  await at('put-cluster-members', 409, '/api/v1/cluster/members', bearer(owner.jwt), { epoch: 7, members: [{ node: 1, address: node.address }] });

  const token = { description: 'twice', expiresAt: '2099-03-01T00:00:00Z' };
  const account = (await at('unleash-create-account', 201, '/api/admin/service-account', stage.jwt, { username: 'twice', name: 'a', rootRole: 3 })).id;
  await at('unleash-create-account', 409, '/api/admin/service-account', stage.jwt, { username: 'twice', name: 'a', rootRole: 3 });
  for (const status of [201, 409]) {
    await at('unleash-create-token', status, '/api/admin/user/tokens', stage.jwt, token);
    await at('unleash-create-account-token', status, `/api/admin/service-account/${account}/token`, stage.jwt, token);
  }

  // Somebody who is a plain member, and a token whose owner has left.
  await node.make('PUT', `${ws}/members/${stranger.id}`, stage.jwt, { role: 'member' });
  const member = { ...stage.jwt, ...bearer(stranger.jwt) };
  for (const each of operations.filter((one) => one.path.startsWith('/api/admin/service-account')))
    await at(each.id, 403, each.path.replace(/\{\w+\}/g, account), member, each.body && examplesOf(each.body.content['application/json'])[0][1]);
  for (const id of ['delete-workspace', 'update-workspace', 'put-member', 'create-project', 'create-webhook', 'list-audit', 'get-audit-head', 'service-create-user']) {
    const each = operationOf(id);
    await at(id, 403, each.path.replace('{id}', stage.workspace).replace('{userId}', randomUUID()), member, each.body && (await filledIn({ ...stage, operation: each }, examplesOf(each.body.content['application/json'])[0][1])));
  }
  const reader = await node.make('POST', '/api/v1/pats', stage.jwt, { name: 'narrowed', scopes: ['read'], notBefore: '2026-01-01T00:00:00Z', maxUses: 50, allowedNetworks: ['127.0.0.0/8'] });
  await at('introspect', 403, '/api/v1/introspect', bearer(reader.data.token), { token: 'x' });
  const known = await at('introspect', 200, '/api/v1/introspect', stage.jwt, { token: reader.data.token, client_address: '127.0.0.1' });
  assert.ok(known.active && known.nbf && known.exp === undefined);
  assert.deepEqual(await at('introspect', 200, '/api/v1/introspect', stage.jwt, { token: 'nothing' }), { active: false });
  await at('me', 200, '/api/v1/me', bearer(reader.data.token));
  const asker = (await newPat(stage, ['read', 'introspect'])).token;
  assert.deepEqual((await at('me', 200, '/api/v1/me', bearer(asker))).data.scopes, ['read', 'introspect']);
});

test('a token whose owner has left is told so', async () => {
  const stage = await stageFor({ id: 'none', path: '' });
  const members = `/api/v1/workspaces/${stage.workspace}/members/${stranger.id}`;
  await node.make('PUT', members, stage.jwt, { role: 'admin' });
  const pat = (await node.make('POST', '/api/v1/pats', { ...stage.jwt, ...bearer(stranger.jwt) }, { name: 'gone' })).data.token;
  await node.make('DELETE', members, stage.jwt);
  for (const id of ['me', 'list-workspaces']) await expectAt(stage, id, 403, operationOf(id).path, bearer(pat));
});

test('one-time secrets refuse as they are documented, and forget', async () => {
  const stage = await stageFor({ id: 'none', path: '' });
  const guest = (id, status, path, body) => expectAt(stage, id, status, path, {}, body);
  const made = await guest('v2-conceal', 200, '/api/v2/secret/conceal', { secret: { secret: 'the text', passphrase: 'sesame', recipient: [] } });
  const { secret, receipt } = made.record;
  for (const [id, path] of [['v2-burn', '/receipt/'], ['v2-private-burn', '/private/'], ['v2-guest-burn', '/guest/receipt/']])
    await guest(id, 422, `/api/v2${path}${receipt.identifier}/burn`, { continue: true, passphrase: 'wrong' });
  await guest('v2-secrets-status', 422, '/api/v2/secret/status', { identifiers: { a: 1 } });
  await guest('v1-reveal', 200, `/api/v1/secret/${secret.identifier}`, { passphrase: 'sesame' });
  for (const name of ['private', 'metadata', 'receipt']) {
    const told = await guest(`v1-${name}`, 200, `/api/v1/${name}/${receipt.identifier}`);
    assert.equal(told.state, 'received');
    assert.equal(told.secret_key, undefined);
  }
  assert.equal((await guest('v2-receipt', 200, `/api/v2/receipt/${receipt.identifier}`)).record.state, 'revealed');
  const unknown = await guest('v2-secret-status', 200, `/api/v2/secret/${secret.identifier}/status`);
  assert.deepEqual(unknown, { record: { state: 'unknown' } });

  const small = basic(owner.email, (await newPat(stage, ['read'])).token);
  const locked = await Node.start('onetime.guest=false', 'limits.address_per_second=1000000', 'limits.address_burst=1000000');
  try {
    for (const each of operations.filter((one) => one.path.startsWith('/api/v2') && one.responses[403])) {
      const path = each.path.replace('{identifier}', secret.identifier);
      const body = each.body && examplesOf(each.body.content['application/json'])[0][1];
      if (each.id.endsWith('memo')) await expectAt(stage, each.id, 403, path, small, body);
      else judge(each, await locked.send(each.verb, path), 'no guests');
    }
  } finally {
    await locked.end();
  }
});

test('requests for secrets refuse as they are documented', async () => {
  const stage = await stageFor({ id: 'none', path: '' });
  const at = (id, status, path, headers, body) => expectAt(stage, id, status, path, headers, body);
  const sealed = `nacre-answer1.${'A'.repeat(64)}`;
  const made = (await at('open-request', 201, '/api/v1/requests', {}, {})).data;
  const path = `/api/v1/requests/${made.id}`;
  const mine = { 'Pickup-Key': made.pickupKey };
  await at('pick-up-answer', 409, `${path}/pickup`, mine);
  await at('answer-request', 201, `${path}/answer`, {}, { sealed });
  await at('answer-request', 409, `${path}/answer`, {}, { sealed });
  assert.ok((await at('get-request', 200, path, mine)).data.pickupUntil);
  await at('pick-up-answer', 200, `${path}/pickup`, mine);
  assert.ok((await at('get-request', 200, path, mine)).data.endedAt);
  await at('cancel-request', 409, path, mine);
  await at('pick-up-answer', 404, `${path}/pickup`, mine);
  const nowhere = `/api/v1/requests/${'a'.repeat(43)}`;
  await at('get-request', 404, nowhere, {});
  await at('answer-request', 404, `${nowhere}/answer`, {}, { sealed });
  const locked = await Node.start('onetime.guest_request=false', 'limits.address_per_second=1000000', 'limits.address_burst=1000000');
  try {
    judge(operationOf('open-request'), await locked.send('POST', '/api/v1/requests', { 'Content-Type': 'application/json' }, '{}'), 'no guests');
  } finally {
    await locked.end();
  }
});

test('too many requests are refused as it is documented', async () => {
  const node2 = await Node.start('limits.address_per_second=1', 'limits.address_burst=1');
  try {
    for (const operation of operations.filter((each) => each.responses[429])) {
      const path = operation.path.replace(/\{[^}]+\}/g, randomUUID());
      let answer;
      do answer = await node2.send(operation.verb, path);
      while (![429].includes(answer.status));
      judge(operation, answer, 'too many');
      assert.ok('retry-after' in answer.headers && 'ratelimit' in answer.headers && 'ratelimit-policy' in answer.headers);
    }
  } finally {
    await node2.end();
  }
});

test('what is switched off is not described', async () => {
  const node2 = await Node.start('families.onetime=false', 'families.unleash=false');
  try {
    const less = JSON.parse((await node2.send('GET', '/openapi.json')).text);
    const tags = less.tags.map((each) => each.name);
    assert.deepEqual(document.tags.map((each) => each.name).filter((each) => !tags.includes(each)), ['Requests for secrets', 'One-time secrets', 'One-time secrets, v1', 'Tokens of Unleash']);
    const counted = (all) => all.filter((each) => tags.includes(each.tag) && each.tag !== 'Pages').length;
    assert.equal(counted(operationsOf(less).operations), counted(operations));
    assert.equal(less.paths['/'], undefined);
    assert.ok(less.paths['/docs']);
  } finally {
    await node2.end();
  }
});

// ---- what was left out -----------------------------------------------------------------------------------

// What takes a full disk, a defect, ten thousand tokens, a program without pages or an issuer.
const rare = [/ (500|503|507|default)$/, /^(page-|robots).* 404$/, /^(page-|robots|openapi).* 304$/, /^(create-pat|create-service-user|update-webhook) 409$/, /^console-dev-token 404$/];
const rareFields = /^(NativeError\.error_id|ConsoleConfig\.oidc\..+)$/;

test('every status and every field that is documented has been seen', () => {
  const all = operations.flatMap((each) => Object.keys(each.responses).map((status) => [each.id, status]));
  const unseen = all.filter(([id, status]) => !seen.get(id)?.has(status)).map((each) => each.join(' '));
  assert.deepEqual(unseen.filter((each) => !rare.some((one) => one.test(each))), []);

  const done = new Set();
  const fields = new Set();
  const walk = (schema, where) => {
    if (typeof schema !== 'object' || schema === null || done.has(schema)) return;
    done.add(schema);
    if (schema.$ref) walk(schemas.resolve({ $ref: schema.$ref }), schema.$ref.split('/').pop());
    for (const [name, inside] of Object.entries(schema.properties ?? {})) {
      if (!told.has(inside)) fields.add(`${where}.${name}`);
      walk(inside, `${where}.${name}`);
    }
    for (const each of [schema.items, ...(schema.allOf ?? []), ...(schema.anyOf ?? [])]) walk(each, where);
  };
  for (const operation of operations)
    for (const described of Object.values(operation.responses)) for (const media of Object.values(described.content ?? {})) walk(media.schema, operation.id);
  assert.deepEqual([...fields].filter((each) => !rareFields.test(each)), []);
});

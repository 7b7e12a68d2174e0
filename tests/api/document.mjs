// The document as tools see it: valid OpenAPI 3.1, and types that a compiler takes without a warning.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Node } from './kit.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const tool = (path) => join(here, 'node_modules', path);
const switches = ['alephant', 'onetime', 'unleash', 'service_tokens'];
let folder;
const documents = {};

async function documentOf(...settings) {
  const node = await Node.start(...settings);
  try {
    return (await node.send('GET', '/openapi.json')).text;
  } finally {
    await node.end();
  }
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nacre-types-'));
  documents.all = await documentOf();
  documents.least = await documentOf(...switches.map((each) => `families.${each}=false`));
});
after(() => rmSync(folder, { recursive: true, force: true }));

// What a program of somebody else's would write.
const program = `import type { components, paths } from './all';

type Pat = paths['/api/v1/pats/{id}']['get']['responses'][200]['content']['application/json']['data'];
type NewPat = NonNullable<paths['/api/v1/pats']['post']['requestBody']>['content']['application/json'];
type Workspace = paths['/api/v1/pats']['get']['parameters']['header']['X-Workspace-Id'];

export const wanted: NewPat = { name: 'ci', scopes: ['read'], expiresAt: null };
export const workspace: Workspace = '7f1b1c52-4c1e-4f6a-9d3a-2b6f4e8d9c01';
export const nameOf = (pat: Pat): string => pat.name + (pat.expiresAt ?? 'never') + pat.scopes.join(' ');
export const secretOf = (made: components['schemas']['CreateAnswer']): string => made.record.secret.identifier;
// @ts-expect-error a scope that is none
export const wrong: NewPat = { name: 'ci', scopes: ['everything'] };
`;

for (const which of ['all', 'least'])
  test(`it is valid OpenAPI 3.1 with ${which === 'all' ? 'every family' : 'none of the families'}`, async () => {
    const validator = new Validator();
    const found = await validator.validate(JSON.parse(documents[which]));
    assert.equal(found.valid, true, JSON.stringify(found.errors));
    assert.equal(validator.version, '3.1');
  });

test('types are made of it without a warning, and hold', () => {
  for (const [which, text] of Object.entries(documents)) {
    writeFileSync(join(folder, `${which}.json`), text);
    const run = spawnSync(process.execPath, [tool('openapi-typescript/bin/cli.js'), `${which}.json`, '-o', `${which}.d.ts`], { cwd: folder, encoding: 'utf8' });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.doesNotMatch(run.stdout + run.stderr, /warn|⚠|deprecat/i);
  }
  writeFileSync(join(folder, 'program.ts'), program);
  const compiler = [tool('typescript/bin/tsc'), '--noEmit', '--strict', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler'];
  execFileSync(process.execPath, [...compiler, 'program.ts', 'all.d.ts', 'least.d.ts'], { cwd: folder, stdio: 'pipe' });
});

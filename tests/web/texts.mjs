// Every language says everything: the same keys as English, with as many words to fill in, and in words of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const web = new URL('../../web/', import.meta.url);
const typescript = createRequire(new URL('package.json', web))('typescript');
const languages = ['de', 'fr', 'es', 'pt', 'ja', 'zh'];

async function read(folder, language) {
  const source = readFileSync(new URL(`src/texts/${folder}${language}.ts`, web), 'utf8');
  const { outputText } = typescript.transpileModule(source, { compilerOptions: { module: 'ESNext', target: 'ES2022' } });
  return (await import(`data:text/javascript,${encodeURIComponent(outputText)}`))[language];
}

function* leaves(of, path = '') {
  for (const [key, value] of Object.entries(of)) {
    if (typeof value === 'object') yield* leaves(value, `${path}${key}.`);
    else yield [path + key, value];
  }
}

for (const folder of ['', 'ask/', 'console/']) {
  test(`the texts of ${folder || 'the pages of guests'} are whole in every language`, async () => {
    const english = new Map(leaves(await read(folder, 'en')));
    assert.ok(english.size > (folder === 'ask/' ? 50 : 80));
    for (const language of languages) {
      const own = new Map(leaves(await read(folder, language)));
      assert.deepEqual([...own.keys()].sort(), [...english.keys()].sort(), language);
      for (const [key, value] of english) {
        const said = own.get(key);
        assert.equal(typeof said, typeof value, `${language} ${key}`);
        const filled = (text) => (typeof text === 'function' ? text(2, 'second', 'third') : text);
        assert.ok(filled(said).trim() !== '' && !/undefined|\[object/.test(filled(said)), `${language} ${key}`);
        // A name or a word may be the same; a sentence may not.
        if (typeof value === 'string' && value.split(' ').length > 3) assert.notEqual(said, value, `${language} ${key} is English`);
        // What English names of what it is given, the others do, too.
        if (typeof value === 'function' && value.length <= 2 && filled(value).includes('second')) assert.ok(filled(said).includes('second'), `${language} ${key}`);
      }
    }
  });
}

// Writes a C++ file that holds the built pages as bytes: node embed.mjs DIST OUT.cpp
// What compresses is kept compressed beside it, so that no request pays for it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

const [dist, out] = process.argv.slice(2);
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

function* filesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

// A string literal of the bytes, in lines; octal escapes of three digits end by themselves.
function literal(bytes) {
  const perLine = 64;
  const lines = [];
  for (let at = 0; at < bytes.length; at += perLine) {
    let line = '';
    for (const byte of bytes.subarray(at, at + perLine)) {
      const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f;
      line += plain ? String.fromCharCode(byte) : '\\' + byte.toString(8).padStart(3, '0');
    }
    lines.push(`    "${line}"`);
  }
  return lines.length > 0 ? '\n' + lines.join('\n') : '""';
}

const rows = [];
let text = '// Made from web/ by web/embed.mjs.\n#include "http/web_files.hpp"\n\nnamespace nacre::http {\n\nnamespace {\n';
for (const path of filesIn(dist)) {
  const name = '/' + relative(dist, path).replaceAll('\\', '/');
  const type = types[extname(name)];
  if (!type) throw new Error(`embed: no content type for ${name}`);
  const bytes = readFileSync(path);
  const packed = gzipSync(bytes, { level: 9 });
  const gzip = packed.length < bytes.length * 0.9 ? packed : Buffer.alloc(0);
  const n = rows.length;
  text += `\nconstexpr char plain_${n}[] =${literal(bytes)};\nconstexpr char gzip_${n}[] =${literal(gzip)};\n`;
  const tag = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  rows.push(`    {"${name}", "${type}", "${tag}", {plain_${n}, ${bytes.length}}, {gzip_${n}, ${gzip.length}}},`);
}
text += `\nconstexpr web_file all[] = {\n${rows.join('\n')}\n};\n\n}  // namespace\n\n`;
text += 'std::span<const web_file> web_files() { return all; }\n\n}  // namespace nacre::http\n';
writeFileSync(out, text);

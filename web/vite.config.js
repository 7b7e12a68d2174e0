import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const guests = ['share', 'open', 'receipt', 'ask', 'answer'];
const others = ['console', 'docs']; // each built by itself
const pages = [...guests, ...others];

// Every page is page.html with an entry of its own.
function pagesOfOneTemplate() {
  const template = join(root, 'page.html');
  const named = (id) => pages.find((page) => basename(id) === `${page}.html`);
  const text = (page) => readFileSync(template, 'utf8').replace('PAGE', page);
  return {
    name: 'pages-of-one-template',
    enforce: 'pre',
    resolveId: (id) => (named(id) ? join(root, basename(id)) : null),
    load(id) {
      if (!named(id)) return null;
      this.addWatchFile(template);
      return text(named(id));
    },
    configureServer(server) {
      server.middlewares.use(async (request, response, next) => {
        const { pathname } = new URL(request.url, 'http://localhost');
        const page = others.find((each) => pathname === `/${each}`) ?? named(pathname);
        if (!page) return next();
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.end(await server.transformIndexHtml(pathname, text(page)));
      });
    },
  };
}

// Builds into one folder, `--mode console` and `--mode docs` after the first: what those need is no part of what guests
// load.
export default defineConfig(({ mode }) => ({
  root,
  plugins: [pagesOfOneTemplate(), svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // no data: addresses
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    emptyOutDir: !others.includes(mode),
    copyPublicDir: !others.includes(mode),
    rollupOptions: {
      input: (others.includes(mode) ? [mode] : guests).map((page) => join(root, `${page}.html`)),
      treeshake: { propertyReadSideEffects: false },
    },
  },
  // For `npm run dev`: the API of a node that runs beside it.
  // xfwd: the node must see that there is a proxy, or it would take everybody for whoever sits at this machine.
  server: {
    proxy: Object.fromEntries(
      ['/api', '/console/', '/openapi.json'].map((path) => [path, { target: 'http://127.0.0.1:8080', xfwd: true }]),
    ),
  },
}));

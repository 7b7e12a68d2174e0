import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // no data: addresses
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    emptyOutDir: true,
    rollupOptions: {
      input: ['share.html', 'open.html', 'receipt.html'],
      treeshake: { propertyReadSideEffects: false },
    },
  },
  // For `npm run dev`: the API of a node that runs beside it.
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});

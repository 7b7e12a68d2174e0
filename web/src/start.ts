// Puts a page into the document. A page that is only prepared ahead of a click (prerendered) does not start: not even
// a look at a secret happens before somebody is there.
import './style.css';
import { type Component, mount } from 'svelte';

export function start(page: Component): void {
  const go = () => mount(page, { target: document.getElementById('app')! });
  const prepared = document as Document & { prerendering?: boolean };
  if (prepared.prerendering) document.addEventListener('prerenderingchange', go, { once: true });
  else go();
}

// What a view has asked the server for: nothing yet, the answer, or why there is none.
import type { Answer } from '../wire';
import { type Listed, pageSize } from './calls';
import { whyNot } from './words.svelte';

export class Load<T> {
  value = $state<T | null>(null);
  trouble = $state('');
  #ask: () => Promise<Answer<{ data: T }>>;

  constructor(ask: () => Promise<Answer<{ data: T }>>) {
    this.#ask = ask;
    void this.run();
  }

  run = async (): Promise<void> => {
    this.trouble = '';
    const answer = await this.#ask();
    if (answer.kind === 'ok') this.value = answer.body.data;
    else this.trouble = whyNot(answer);
  };
}

// A list that comes page by page.
export class Pages<T> {
  items = $state<T[]>([]);
  total = $state(0);
  known = $state(false);
  busy = $state(false);
  trouble = $state('');
  #ask: (offset: number) => Promise<Answer<Listed<T>>>;

  constructor(ask: (offset: number) => Promise<Answer<Listed<T>>>) {
    this.#ask = ask;
    void this.run();
  }

  // From the start, as many as were there.
  run = async (): Promise<void> => {
    const wanted = Math.max(pageSize, this.items.length);
    const found: T[] = [];
    for (let total = 1; found.length < Math.min(wanted, total); ) {
      const page = await this.#page(found.length);
      if (!page) return;
      found.push(...page.data);
      total = page.pagination.total;
      if (page.data.length === 0) break;
    }
    this.items = found;
    this.known = true;
  };

  more = async (): Promise<void> => {
    const page = await this.#page(this.items.length);
    if (page) this.items = [...this.items, ...page.data];
  };

  async #page(offset: number): Promise<Listed<T> | null> {
    this.busy = true;
    this.trouble = '';
    const answer = await this.#ask(offset);
    this.busy = false;
    if (answer.kind !== 'ok') {
      this.trouble = whyNot(answer);
      return null;
    }
    this.total = answer.body.pagination.total;
    return answer.body;
  }
}

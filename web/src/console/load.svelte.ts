// What a view has asked the server for: nothing yet, the answer, or why there is none.
import type { Answer } from '../wire';
import { type Listed, pageSize } from './calls';
import { whyUnread } from './words.svelte';

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
    else this.trouble = whyUnread(answer);
  };
}

// A list that comes page by page. What came to be meanwhile moves the pages: nothing is taken twice.
export class Pages<T> {
  items = $state<T[]>([]);
  total = $state(0);
  known = $state(false);
  busy = $state(false);
  trouble = $state('');
  #ask: (offset: number) => Promise<Answer<Listed<T>>>;

  constructor(
    ask: (offset: number) => Promise<Answer<Listed<T>>>,
    readonly keyOf: (item: T) => string,
  ) {
    this.#ask = ask;
    void this.run();
  }

  // From the start, as many as were there.
  run = async (): Promise<void> => {
    const wanted = Math.max(pageSize, this.items.length);
    let found: T[] = [];
    for (let offset = 0, total = 1; offset < Math.min(wanted, total); offset += pageSize) {
      const page = await this.#page(offset);
      if (!page) return;
      found = this.#joined(found, page.data);
      total = page.pagination.total;
    }
    this.items = found;
    this.known = true;
  };

  more = async (): Promise<void> => {
    const page = await this.#page(this.items.length);
    if (!page) return;
    const joined = this.#joined(this.items, page.data);
    const isAhead = joined.length === this.items.length; // what is left came to be at the front
    this.items = joined;
    if (isAhead) await this.run();
  };

  // From the start to the end; whether it got there.
  all = async (): Promise<boolean> => {
    await this.run();
    while (!this.trouble && this.items.length < this.total) await this.more();
    return this.trouble === '';
  };

  #joined(first: T[], more: T[]): T[] {
    const known = new Set(first.map(this.keyOf));
    return [...first, ...more.filter((each) => !known.has(this.keyOf(each)))];
  }

  async #page(offset: number): Promise<Listed<T> | null> {
    this.busy = true;
    this.trouble = '';
    const answer = await this.#ask(offset);
    this.busy = false;
    if (answer.kind !== 'ok') {
      this.trouble = whyUnread(answer);
      return null;
    }
    this.total = answer.body.pagination.total;
    return answer.body;
  }
}

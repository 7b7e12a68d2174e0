// The workspace somebody is in, and who its people are by name.
import { members, serviceUsers, type Workspace, workspaces } from './calls';
import { type Config, session } from './session.svelte';
import { whyUnread, words } from './words.svelte';

class Current {
  workspace = $state<Workspace | null>(null);
  trouble = $state('');
  config = $state<Config | null>(null);
  said = $state(''); // what was done where one comes from, told once at the next place
  #names = $state<Record<string, string>>({});
  #id = '';

  // Fetches what is known of it; the names come when they come.
  async enter(id: string): Promise<void> {
    if (id !== this.#id) {
      this.workspace = null;
      this.#names = {};
    }
    this.#id = id;
    this.trouble = '';
    if (!id) return;
    const answer = await workspaces.get(id);
    if (id !== this.#id) return;
    if (answer.kind === 'ok') {
      this.workspace = answer.body.data;
      return this.#learnNames(id);
    }
    const isNot = answer.kind === 'refused' && (answer.status === 403 || answer.status === 404);
    this.trouble = isNot && answer.code !== 'insufficient_scope' ? words.t.errors.notMember : whyUnread(answer);
  }

  leave(): void {
    this.#id = '';
    this.workspace = null;
    this.trouble = this.said = '';
    this.#names = {};
  }

  // "you", an e-mail address, a service user's name, or the beginning of the id.
  nameOf(user: string): string {
    if (user === session.me?.id) return words.t.frame.you;
    return this.#names[user] ?? `${user.slice(0, 8)}…`;
  }

  learn(user: string, name: string): void {
    this.#names[user] = name;
  }

  get mayAdminister(): boolean {
    return this.workspace !== null && this.workspace.role !== 'member';
  }

  async #learnNames(id: string): Promise<void> {
    const [people, services] = await Promise.all([members.list(id), serviceUsers.list(id)]);
    if (id !== this.#id) return;
    if (services.kind === 'ok') for (const each of services.body.data) this.learn(each.id, each.name);
    if (people.kind === 'ok') for (const each of people.body.data) if (each.email) this.learn(each.userId, each.email);
  }
}

export const current = new Current();

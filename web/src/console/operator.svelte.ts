// Whether the one who is signed in operates the cluster. Nothing but the server's answer tells: a scope, or a workspace.
import { cluster } from './calls';
import { type Me, session } from './session.svelte';

class Operator {
  may = $state<boolean | null>(null); // null: nobody knows yet
  #whose: Me | null = null;

  // Asks once for each sign-in, and again while there was no answer.
  async learn(who: Me | null): Promise<void> {
    if (this.#whose !== who) this.may = null;
    this.#whose = who;
    if (!who || this.may !== null) return;
    const answer = await cluster.get();
    if (who !== session.me) return;
    if (answer.kind === 'ok') this.may = true;
    else if (answer.kind === 'refused' && answer.status === 403) this.may = false;
  }
}

export const operator = new Operator();

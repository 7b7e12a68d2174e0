import Open from './pages/Open.svelte';
import { start } from './start';

start(Open);

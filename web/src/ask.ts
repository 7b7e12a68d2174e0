import Ask from './pages/Ask.svelte';
import { start } from './start';

start(Ask);

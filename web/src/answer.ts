import Answer from './pages/Answer.svelte';
import { start } from './start';

start(Answer);

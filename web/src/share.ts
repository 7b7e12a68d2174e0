import Share from './pages/Share.svelte';
import { start } from './start';

start(Share);

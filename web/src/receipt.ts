import Receipt from './pages/Receipt.svelte';
import { start } from './start';

start(Receipt);

import { start } from './start';
import './console/console.css'; // after what it builds upon
import Console from './console/Console.svelte';

start(Console);

import { start } from './start';
import './docs/docs.css'; // after what it builds upon
import Docs from './docs/Docs.svelte';

start(Docs);

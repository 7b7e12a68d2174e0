import type { Language } from '..';
import { de } from './de';
import { type AskTexts, en } from './en';
import { es } from './es';
import { fr } from './fr';
import { ja } from './ja';
import { pt } from './pt';
import { zh } from './zh';

// Apart from the other pages' texts, which they would make longer for everybody.
export const askTexts: Record<Language, AskTexts> = { en, de, fr, es, pt, ja, zh };

import type { Language } from '..';
import { de } from './de';
import { type ConsoleTexts, en } from './en';
import { es } from './es';
import { fr } from './fr';
import { ja } from './ja';
import { pt } from './pt';
import { zh } from './zh';

export const consoleTexts: Record<Language, ConsoleTexts> = { en, de, fr, es, pt, ja, zh };

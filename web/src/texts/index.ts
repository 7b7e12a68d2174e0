import { de } from './de';
import { en, type Texts } from './en';
import { es } from './es';
import { fr } from './fr';
import { ja } from './ja';
import { pt } from './pt';
import { zh } from './zh';

export type { Texts };

export const texts = { en, de, fr, es, pt, ja, zh } satisfies Record<string, Texts>;
export type Language = keyof typeof texts;
export const languages = Object.keys(texts) as Language[];

// Each in its own words, for the switch.
export const languageNames: Record<Language, string> = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
  pt: 'Português',
  ja: '日本語',
  zh: '中文',
};

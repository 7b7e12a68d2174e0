// The language of the page, and how numbers, times and spans are said in it.
import { keepLanguage, keptLanguage } from './keep';
import { type Language, languages, type Texts, texts } from './texts';

function known(tag: string | null | undefined): Language | null {
  const base = (tag ?? '').toLowerCase().split('-')[0];
  return languages.find((each) => each === base) ?? null;
}

function first(): Language {
  return known(keptLanguage()) ?? navigator.languages.map(known).find((each) => each !== null) ?? 'en';
}

class Spoken {
  language = $state<Language>(first());

  get t(): Texts {
    return texts[this.language];
  }

  // The browser's own variant ("de-CH", 24 hours) where it speaks this language at all.
  private get tag(): string {
    return navigator.languages.find((each) => known(each) === this.language) ?? this.language;
  }

  switchTo(to: Language): void {
    this.language = to;
    keepLanguage(to);
  }

  number(n: number): string {
    return new Intl.NumberFormat(this.tag).format(n);
  }

  time(epochSeconds: number): string {
    return new Intl.DateTimeFormat(this.tag, { dateStyle: 'medium', timeStyle: 'short' }).format(epochSeconds * 1000);
  }

  clock(epochSeconds: number): string {
    return new Intl.DateTimeFormat(this.tag, { timeStyle: 'short' }).format(epochSeconds * 1000);
  }

  second(epochSeconds: number): string {
    return new Intl.DateTimeFormat(this.tag, { timeStyle: 'medium' }).format(epochSeconds * 1000);
  }

  // "1.5 MB": thousands, as people count them.
  bytes(n: number): string {
    const units = [['gigabyte', 1e9], ['megabyte', 1e6], ['kilobyte', 1e3], ['byte', 1]] as const;
    const [unit, size] = units.find(([, each]) => n >= each) ?? units[3];
    return new Intl.NumberFormat(this.tag, { style: 'unit', unit, maximumFractionDigits: 1 }).format(n / size);
  }

  day(epochSeconds: number): string {
    return new Intl.DateTimeFormat(this.tag, { dateStyle: 'medium' }).format(epochSeconds * 1000);
  }

  // "3 hours ago" for what was, "in 3 hours" for what will be.
  ago(seconds: number): string {
    const units = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]] as const;
    const [unit, size] = units.find(([, each]) => Math.abs(seconds) >= each) ?? units[3];
    return new Intl.RelativeTimeFormat(this.tag, { numeric: 'auto' }).format(Math.trunc(seconds / size), unit);
  }

  // "3 hours", rounded to the largest unit of which there are at least two; "1 hour" where it is exact.
  span(seconds: number): string {
    const units = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]] as const;
    const whole = Math.max(0, Math.round(seconds));
    const [unit, size] = units.find(([, each]) => whole >= 2 * each || whole === each) ?? units[3];
    return new Intl.NumberFormat(this.tag, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.round(whole / size));
  }
}

export const spoken = new Spoken();

// The audit log as a person reads it: what fits a filter, and files of it.
import type { AuditEntry } from './calls';

export interface Sought {
  text: string; // in any field, in any case
  action: string;
  outcome: string;
  from: string; // days of this device's clock, "2026-11-22"
  to: string;
}

// Made once for each: a log is long, and looked through at every letter typed.
const texts = new WeakMap<AuditEntry, string>();

function textOf(entry: AuditEntry): string {
  let text = texts.get(entry);
  if (text === undefined) texts.set(entry, (text = JSON.stringify(entry).toLowerCase()));
  return text;
}

// `who` is what the page calls the actor.
export function fits(entry: AuditEntry, sought: Sought, who: string): boolean {
  if (sought.action && entry.action !== sought.action) return false;
  if (sought.outcome && entry.outcome !== sought.outcome) return false;
  const at = Date.parse(entry.time);
  if (sought.from && at < new Date(`${sought.from}T00:00:00`).getTime()) return false;
  if (sought.to && at > new Date(`${sought.to}T23:59:59.999`).getTime()) return false;
  const needle = sought.text.trim().toLowerCase();
  return needle === '' || who.toLowerCase().includes(needle) || textOf(entry).includes(needle);
}

const columns = ['seq', 'time', 'action', 'outcome', 'reason', 'actor', 'kind', 'pat', 'object', 'count', 'client', 'node', 'request'];

// A cell that a spreadsheet would take for a formula is made a text.
function cell(value: string | number): string {
  const text = String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvOf(entries: AuditEntry[]): string {
  const rows = entries.map((e) => [e.seq, e.time, e.action, e.outcome, e.reason, e.actor.id, e.actor.kind, e.actor.pat, e.object, e.count, e.client, e.node, e.request]);
  return [columns, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

export function download(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

// The description of the API, as far as it is shown: what of OpenAPI 3.1 http/describe writes, and no more.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  format?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  allOf?: Schema[];
  anyOf?: Schema[];
  additionalProperties?: boolean;
}

interface Ref {
  $ref?: string;
  description?: string;
}

export interface Media {
  schema: Schema;
  example?: unknown;
  examples?: Record<string, { summary?: string; value: unknown }>;
}

export interface Parameter extends Ref {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
  example?: unknown;
}

export interface Header extends Ref {
  schema: Schema;
  example?: unknown;
}

export interface Answer extends Ref {
  content?: Record<string, Media>;
  headers?: Record<string, Header>;
}

export interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Media> };
  responses: Record<string, Answer>;
  security: Record<string, unknown>[];
}

export interface Scheme {
  type: string;
  scheme?: string;
  description: string;
}

export interface Api {
  info: { title: string; version: string; summary: string; description: string };
  servers?: { url: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    securitySchemes: Record<string, Scheme>;
    [kind: string]: Record<string, unknown>;
  };
}

export interface Endpoint {
  id: string;
  verb: string;
  path: string;
  what: Operation;
  words: string; // what a search looks into
}

export class Description {
  constructor(readonly api: Api) {}

  // What is meant, with what the reference adds to it.
  resolve<T extends { $ref?: string }>(of: T): T {
    let at = of;
    while (at.$ref) {
      const { $ref, ...more } = at;
      const [kind, name] = $ref.split('/').slice(2) as [string, string];
      at = { ...(this.api.components[kind]?.[name] as T), ...more } as T;
    }
    return at;
  }

  nameOf(schema: Schema): string {
    return schema.$ref?.split('/').pop() ?? '';
  }

  get server(): string {
    return this.api.servers?.[0]?.url ?? location.origin;
  }

  endpoints(tag: string): Endpoint[] {
    const out: Endpoint[] = [];
    for (const [path, verbs] of Object.entries(this.api.paths))
      for (const [verb, what] of Object.entries(verbs))
        if (what.tags[0] === tag) {
          const words = [verb, path, what.operationId, what.summary, what.description ?? ''].join(' ').toLowerCase();
          out.push({ id: what.operationId, verb: verb.toUpperCase(), path, what, words });
        }
    return out;
  }

  // An object's fields, those of its parts too.
  fields(schema: Schema): { properties: Record<string, Schema>; required: Set<string> } {
    const at = this.resolve(schema);
    const properties = { ...at.properties };
    const required = new Set(at.required);
    for (const part of at.allOf ?? []) {
      const inside = this.fields(part);
      Object.assign(properties, inside.properties);
      for (const name of inside.required) required.add(name);
    }
    return { properties, required };
  }

  // A value that the schema's own examples make.
  sample(schema: Schema, depth = 0): unknown {
    const at = this.resolve(schema);
    if (at.examples?.length) return at.examples[0];
    if (at.const !== undefined) return at.const;
    if (at.enum?.length) return at.enum[0];
    if (at.anyOf?.[0]) return this.sample(at.anyOf[0], depth);
    if (at.properties || at.allOf) {
      const out: Record<string, unknown> = {};
      const { properties, required } = this.fields(schema);
      for (const [name, inside] of Object.entries(properties))
        if (required.has(name) && depth < 6) out[name] = this.sample(inside, depth + 1);
      return out;
    }
    if (at.items) return at.maxItems === 0 ? [] : [this.sample(at.items, depth + 1)];
    if (at.default !== undefined) return at.default;
    const type = [at.type].flat()[0];
    if (type === 'boolean') return false;
    if (type === 'integer') return at.minimum ?? 0;
    if (type === 'null') return null;
    return type === 'object' ? {} : '';
  }

  exampleOf(media: Media): unknown {
    const named = Object.values(media.examples ?? {})[0];
    return named ? named.value : (media.example ?? this.sample(media.schema));
  }

  // "string, uuid", "array of Pat", "integer or null".
  kind(schema: Schema): string {
    const at = this.resolve(schema);
    if (at.anyOf) return at.anyOf.map((each) => this.kind(each)).join(' or ');
    if (at.const !== undefined) return JSON.stringify(at.const);
    if (at.allOf || (at.properties && !at.type)) return 'object';
    const types = [at.type ?? 'anything'].flat();
    const named = types.map((type) => (type === 'array' && at.items ? `array of ${this.kind(at.items)}` : type));
    return named.join(' or ') + (at.format ? `, ${at.format}` : '');
  }

  // What else bounds it, in words.
  bounds(schema: Schema): string[] {
    const at = this.resolve(schema);
    const out: string[] = [];
    const range = (least: number | undefined, most: number | undefined, unit: string) => {
      const n = (value: number) => value.toLocaleString('en');
      if (least !== undefined && most !== undefined) out.push(`${n(least)} to ${n(most)}${unit}`);
      else if (most !== undefined) out.push(`at most ${n(most)}${unit}`);
      else if (least !== undefined) out.push(`at least ${n(least)}${least === 1 ? unit.replace(/s$/, '') : unit}`);
    };
    range(at.minimum, at.maximum, '');
    range(at.minLength, at.maxLength, ' characters');
    range(at.minItems, at.maxItems, ' items');
    if (at.pattern) out.push(`matches ${at.pattern}`);
    if (at.default !== undefined) out.push(`default ${JSON.stringify(at.default)}`);
    return out;
  }

  words(schema: Schema): string[] {
    const at = this.resolve(schema);
    const all = at.enum ?? (at.items ? (this.resolve(at.items).enum ?? []) : []);
    return all.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
  }

  // What lies in it and is worth a look of its own.
  inside(schema: Schema): Schema | undefined {
    const at = this.resolve(schema);
    if (at.items) return this.inside(at.items);
    const object = at.anyOf?.find((each) => this.inside(each));
    if (object) return this.inside(object);
    return at.properties || at.allOf ? schema : undefined;
  }
}

const variables: Record<string, string> = { pat: '$TOKEN', jwt: '$JWT', serviceToken: '$NACRE_PAT', unleashToken: '$PAT' };

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// JSON in one line, if that is short.
function brief(value: unknown): string {
  const line = JSON.stringify(value);
  return line.length <= 48 ? line : JSON.stringify(value, null, 2).replaceAll('\n', '\n  ');
}

// A command line that does it; the shell's variables stand for what only the reader knows.
export function curlOf(of: Description, endpoint: Endpoint, type?: string, value?: unknown): string {
  const { what, verb, path } = endpoint;
  const parameters = (what.parameters ?? []).map((each) => of.resolve(each));
  const lines: string[] = [];
  const scheme = Object.keys(what.security[0] ?? {})[0];
  if (verb !== 'GET' && !(verb === 'POST' && type)) lines.push(`-X ${verb}`);
  if (scheme === 'account') lines.push('-u "$ACCOUNT"');
  else if (scheme) lines.push(`-H "Authorization: Bearer ${variables[scheme] ?? '$TOKEN'}"`);
  for (const each of parameters.filter((one) => one.in === 'header' && one.required))
    lines.push(each.name === 'X-Workspace-Id' ? '-H "X-Workspace-Id: $WORKSPACE"' : `-H ${quoted(`${each.name}: ${each.example}`)}`);
  if (type === 'application/json') lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(brief(value))}`);
  else if (type)
    for (const [name, text] of Object.entries(value as Record<string, unknown>))
      lines.push(type === 'multipart/form-data' ? `-F ${quoted(`${name}=${text}`)}` : `--data-urlencode ${quoted(`${name}=${text}`)}`);
  let at = path;
  for (const each of parameters.filter((one) => one.in === 'path')) at = at.replace(`{${each.name}}`, String(each.example ?? each.name));
  return ['curl', ...lines, of.server + at].join(' \\\n  ');
}

// The calls of the management API that the console makes (docs/api.md), and the shapes they answer with.
import type { Answer } from '../wire';
import { session } from './session.svelte';

export type Role = 'owner' | 'admin' | 'member';
export type Scope = 'read' | 'write' | 'admin' | 'introspect';
export const scopes: Scope[] = ['read', 'write', 'admin', 'introspect'];
export const roles: Role[] = ['member', 'admin', 'owner'];

export interface Workspace {
  id: string;
  name: string;
  role: Role;
  memberCount: number;
  patCount: number;
  createdAt: string;
}

export interface Member {
  userId: string;
  role: Role;
  email: string | null;
  joinedAt: string;
}

export interface ServiceUser {
  id: string;
  name: string;
  createdBy: string;
  createdAt: string;
}

export interface Project {
  id: string;
  name: string;
  key: string;
  version: string;
  createdAt: string;
}

// What narrows a token; all three are replaced together.
export interface Narrowing {
  notBefore?: string | null;
  maxUses?: number | null;
  allowedNetworks?: string[];
}

export interface Token extends Narrowing {
  id: string;
  name: string;
  tokenPrefix: string;
  scopes: Scope[];
  userId: string;
  canReveal: boolean;
  lastUsedAt: string | null;
  expiresAt: string | null;
  createdAt: string;
  uses?: number;
}

// A token of a service user (docs/api.md, "Tokens of service users").
export interface ServiceToken extends Narrowing {
  id: string;
  note: string;
  permissions: string[];
  allProjects: boolean;
  projects: { id: string; name: string }[];
  createdAt: string;
  expiresAt: string | null;
  uses?: number;
}

export interface Webhook {
  id: string;
  url: string;
  events: string[];
  enabled: boolean;
  disabledReason: 'gone' | 'switched off' | null;
  previousSecretUntil: string | null;
  createdAt: string;
  deliveries: {
    waiting: number;
    delivered: number;
    failedAttempts: number;
    failingAttempts: number;
    givenUp: number;
    dropped: number;
    lastDeliveredAt: string | null;
    lastFailedAt: string | null;
    lastStatus: number | null;
  };
}

export interface AuditEntry {
  seq: number;
  time: string;
  action: string;
  outcome: string;
  reason: string;
  object: string;
  count: number;
  client: string;
  node: string;
  request: string;
  actor: { id: string; iss: string; kind: string; pat: string; sub: string };
}

export interface Listed<T> {
  data: T[];
  pagination: { total: number; limit: number; offset: number };
}
export interface One<T> {
  data: T;
}

// How much of a budget is left: draft-ietf-httpapi-ratelimit-headers.
export interface Budget {
  left: number;
  of: number;
  resetSeconds: number;
}

export function budgetOf(head: Headers): Budget | null {
  const left = /;\s*r=(\d+)/.exec(head.get('RateLimit') ?? '')?.[1];
  const reset = /;\s*t=(\d+)/.exec(head.get('RateLimit') ?? '')?.[1];
  const of = /;\s*q=(\d+)/.exec(head.get('RateLimit-Policy') ?? '')?.[1];
  return left && of ? { left: Number(left), of: Number(of), resetSeconds: Number(reset ?? 60) } : null;
}

export const pageSize = 100;
const page = (offset: number) => `?limit=${pageSize}&offset=${offset}`;
const at = (workspace: string) => `/api/v1/workspaces/${workspace}`;

export const workspaces = {
  list: (offset = 0) => session.ask<Listed<Workspace>>('GET', `/api/v1/workspaces${page(offset)}`),
  get: (id: string) => session.ask<One<Workspace>>('GET', at(id)),
  create: (name: string) => session.ask<One<Workspace>>('POST', '/api/v1/workspaces', { body: { name } }),
  rename: (id: string, name: string) => session.ask<One<Workspace>>('PATCH', at(id), { body: { name } }),
  remove: (id: string) => session.ask<void>('DELETE', at(id)),
};

export const members = {
  list: (ws: string, offset = 0) => session.ask<Listed<Member>>('GET', `${at(ws)}/members${page(offset)}`),
  put: (ws: string, user: string, role: Role, email?: string) =>
    session.ask<One<Member>>('PUT', `${at(ws)}/members/${user}`, { body: { role, ...(email ? { email } : {}) } }),
  remove: (ws: string, user: string) => session.ask<void>('DELETE', `${at(ws)}/members/${user}`),
};

export const serviceUsers = {
  list: (ws: string, offset = 0) => session.ask<Listed<ServiceUser>>('GET', `${at(ws)}/service-users${page(offset)}`),
  create: (ws: string, name: string) => session.ask<One<ServiceUser>>('POST', `${at(ws)}/service-users`, { body: { name } }),
};

export const projects = {
  list: (ws: string, offset = 0) => session.ask<Listed<Project>>('GET', `${at(ws)}/projects${page(offset)}`),
  create: (ws: string, what: { name: string; key: string; version: string }) =>
    session.ask<One<Project>>('POST', `${at(ws)}/projects`, { body: what }),
};

export interface Rotation {
  overlap: number; // seconds
  untilFirstUse: boolean;
}

const pats = '/api/v1/pats';
export const tokens = {
  list: (workspace: string, offset = 0) => session.ask<Listed<Token>>('GET', `${pats}${page(offset)}`, { workspace }),
  get: (workspace: string, id: string) => session.ask<One<Token>>('GET', `${pats}/${id}`, { workspace }),
  create: (workspace: string, what: Narrowing & { name: string; scopes: Scope[]; expiresAt?: string }) =>
    session.ask<One<Token & { fullToken: string }>>('POST', pats, { workspace, body: what }),
  change: (workspace: string, id: string, what: Narrowing & { name?: string; expiresAt?: string | null }) =>
    session.ask<One<Token>>('PATCH', `${pats}/${id}`, { workspace, body: what }),
  revoke: (workspace: string, id: string) => session.ask<void>('DELETE', `${pats}/${id}`, { workspace }),
  rotate: (workspace: string, id: string, how: Rotation, key: string) =>
    session.ask<One<Token & { fullToken: string }>>('POST', `${pats}/${id}/rotate`, { workspace, key, body: how }),
  reveal: (workspace: string, id: string, key: string) =>
    session.ask<One<{ fullToken: string }>>('POST', `${pats}/${id}/reveal`, { workspace, key }),
  // The value has arrived: from here on the key gets nothing again.
  confirm: (workspace: string, id: string, key: string) =>
    session.ask<void>('DELETE', `${pats}/${id}/reveal`, { workspace, key, keepalive: true }),
};

const ofService = (user: string) => `/api/users/service/${user}/personal-access-tokens`;
export const lifetimes = ['week', 'month', 'three_months', 'year', 'indefinite'] as const;
export type Lifetime = (typeof lifetimes)[number];
export const permissions = [
  'owner', 'documents', 'releases', 'releases:manage', 'releases:deploy', 'releases:delete', 'integrations:manage',
  'documents:full', 'documents:view-content', 'documents:edit-content', 'documents:edit-view', 'branches', 'branches:create',
  'branches:merge', 'branches:delete', 'project:manage', 'environments', 'environments:manage', 'environments:delete',
];
export interface NewServiceToken extends Narrowing {
  note: string;
  permissions: string[];
  allProjects: boolean;
  projects: string[];
  expiry: Lifetime;
}
export const serviceTokens = {
  list: (workspace: string, user: string) => session.ask<ServiceToken[]>('GET', ofService(user), { workspace }),
  create: (workspace: string, user: string, what: NewServiceToken) =>
    session.ask<ServiceToken & { token: string }>('POST', ofService(user), { workspace, body: what }),
  rotate: (workspace: string, user: string, id: string, how: Rotation, key: string) =>
    session.ask<ServiceToken & { token: string }>('POST', `${ofService(user)}/${id}/rotate`, { workspace, key, body: how }),
  remove: (workspace: string, user: string, id: string) => session.ask<void>('DELETE', `${ofService(user)}/${id}`, { workspace }),
};

export const eventTypes = [
  'secret.revealed', 'secret.burned', 'secret.expired', 'secret.locked', 'pat.created', 'pat.revealed', 'pat.revoked',
  'pat.rotated', 'pat.reused', 'pat.expiring',
];
const hooks = (ws: string) => `${at(ws)}/webhooks`;
export const webhooks = {
  list: (ws: string) => session.ask<Listed<Webhook>>('GET', `${hooks(ws)}${page(0)}`),
  get: (ws: string, id: string) => session.ask<One<Webhook>>('GET', `${hooks(ws)}/${id}`),
  create: (ws: string, what: { url: string; events: string[] }) =>
    session.ask<One<Webhook & { secret: string }>>('POST', hooks(ws), { body: what }),
  change: (ws: string, id: string, what: { url?: string; events?: string[]; enabled?: boolean; rotateSecret?: boolean }) =>
    session.ask<One<Webhook & { secret?: string }>>('PATCH', `${hooks(ws)}/${id}`, { body: what }),
  remove: (ws: string, id: string) => session.ask<void>('DELETE', `${hooks(ws)}/${id}`),
  test: (ws: string, id: string) => session.ask<One<Webhook>>('POST', `${hooks(ws)}/${id}/test`),
};

// The cluster as its operators see it (docs/api.md, "Cluster"); a single node has neither members nor groups.
export type ClusterRole = 'leader' | 'follower' | 'candidate' | 'stopped' | 'unknown';
export interface ClusterMember {
  node: number;
  address: string;
  self: boolean;
  role: ClusterRole;
  votes: boolean;
  connected: boolean;
  lastContactMs: number | null;
  trouble: string | null;
  appliedIndex: number | null;
  behind: number | null;
  fetching: boolean;
  fetchedBytes: number;
  certificateEndsAt: string | null;
  version: string | null;
  clockAheadMs: number | null; // of the clock of the node that answers
}
export interface ClusterStanding {
  mode: 'single' | 'cluster';
  node: number;
  name: string;
  version: string;
  ready: boolean;
  reasons: string[];
  clusterId: string | null;
  epoch: number;
  canLose: number;
  members: ClusterMember[];
  groups: {
    group: number;
    role: ClusterRole;
    leader: number | null;
    epoch: number;
    term: number;
    commitIndex: number;
    appliedIndex: number;
    pending: number;
  }[];
}
export const cluster = {
  get: () => session.ask<One<ClusterStanding>>('GET', '/api/v1/cluster', { patienceMs: 5_000 }), // it is asked again in a moment
};

export const auditPageMost = 1_000;
export function audit(workspace: string, after: number, limit: number): Promise<Answer<Listed<AuditEntry>>> {
  return session.ask('GET', `/api/v1/audit?after=${after}&limit=${limit}`, { workspace });
}

export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

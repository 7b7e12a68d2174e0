// Where in the console somebody is: the part of the address behind '#', which no server sees.

const sections = ['tokens', 'members', 'service-users', 'projects', 'webhooks', 'audit', 'settings'] as const;
export type Section = (typeof sections)[number];

export interface Place {
  workspace: string; // empty: the list of workspaces, or the cluster
  cluster: boolean;
  section: Section;
  item: string; // id of what is looked at; "new" for what is being made; empty: the list
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function read(fragment: string): Place {
  const [, w, workspace = '', section = '', item = ''] = fragment.replace(/^#/, '').split('/');
  if (w !== 'w' || !uuid.test(workspace)) return { workspace: '', cluster: w === 'cluster', section: 'tokens', item: '' };
  const known = sections.find((each) => each === section) ?? 'tokens';
  return { workspace, cluster: false, section: known, item: item === 'new' || uuid.test(item) ? item : '' };
}

class Here {
  place = $state<Place>(read(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.place = read(location.hash)));
  }

  go(to: string): void {
    if (location.hash === to) this.place = read(to);
    else location.hash = to;
  }
}

export const here = new Here();

// Where the focus goes when what had it is no longer there.
export const toHeading = (): void => void requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus());

export const home = '#/';
export const clusterPage = '#/cluster';
export function addressOf(workspace: string, section: Section = 'tokens', item = ''): string {
  return `#/w/${workspace}/${section}${item ? `/${item}` : ''}`;
}

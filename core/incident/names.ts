/** Resources as people call them: by what they are and their name, the id after it. */
import type { Finding } from '../finding/finding.ts';
import type { Incident, IncidentTarget } from './incident.ts';

/** `instance/i-0abc` of an ARN: account and Region stand next to it. */
export function shortName(display: string | null): string {
  if (display === null) return 'no named resource';
  const [, service = '', resource = ''] = /^arn:[^:]*:([^:]*):[^:]*:[^:]*:(.+)$/s.exec(display) ?? [];
  if (resource === '') return display;
  return (
    NOUNS.reduce<string | undefined>((found, [of, form, words]) => {
      if (found !== undefined || of !== service) return found;
      const parts = form.exec(resource);
      return parts ? words(...parts.slice(1)) : undefined;
    }, undefined) ?? resource
  );
}

/** What people call the resource of an ARN, by service and the form of its resource part. */
const NOUNS: readonly (readonly [string, RegExp, (...parts: readonly string[]) => string])[] = [
  ['s3', /^([^/]+)$/s, (name = '') => `bucket ${name}`],
  ['s3', /^([^/]+)\/(.+)$/s, (bucket = '', key = '') => `object ${key} in bucket ${bucket}`],
  ['ec2', /^([a-z-]+)\/(.+)$/s, (kind = '', id = '') => `${kind.replaceAll('-', ' ')} ${id}`],
  [
    'sts',
    /^assumed-role\/([^/]+)\/(.+)$/s,
    (role = '', session = '') => `session ${session} of role ${role}`,
  ],
  [
    'iam',
    /^(user|role|instance-profile)\/(?:.*\/)?([^/]+)$/s,
    (kind = '', name = '') => `${kind.replace('-', ' ')} ${name}`,
  ],
  ['backup', /^backup-vault:(.+)$/s, (name = '') => `backup vault ${name}`],
  ['lambda', /^function:(.+)$/s, (name = '') => `function ${name}`],
  ['rds', /^db:(.+)$/s, (name = '') => `database ${name}`],
  ['ecs', /^task\/(?:.*\/)?([^/]+)$/s, (id = '') => `task ${id}`],
  ['ecs', /^service\/(?:.*\/)?([^/]+)$/s, (name = '') => `service ${name}`],
  ['eks', /^cluster\/(.+)$/s, (name = '') => `cluster ${name}`],
];

/** `instance web-1 (i-0abc)`: by its Name tag, as it was read, where it has one. Untrusted. */
export function targetName(entry: Pick<IncidentTarget, 'target' | 'plan'>): string {
  const tags = entry.plan?.kind === 'plan' ? entry.plan.tags : {};
  return withTag(shortName(entry.target.display), tags['Name']);
}

/** The resource of an incident by name: of one with several targets the one that the finding is about. Untrusted. */
export function resourceName(
  { display, targets }: Pick<Incident, 'display' | 'targets'>,
  finding?: Finding,
): string {
  const same = targets.find(({ target }) => target.display === display);
  if (same) {
    const named = targetName(same);
    if (named !== shortName(display)) return named;
  }
  const short = shortName(display);
  const { instance } = finding ?? {};
  return instance && short.includes(instance.instanceId) ? withTag(short, instance.tags['Name']) : short;
}

function withTag(short: string, tag: string | undefined): string {
  // What follows in brackets is the id, and nothing that the tag says.
  const name = tag?.replace(/[()]/g, '').trim().slice(0, 80);
  const [, kind, id] = /^(instance|volume|network interface) (\S+)$/.exec(short) ?? [];
  return name === undefined || name === '' || kind === undefined ? short : `${kind} ${name} (${id})`;
}

/** Returns the text with long AWS ids shortened, `i-0abc…0009`: for lines that are read; the details have them whole. */
export const shortIds = (text: string): string =>
  text
    .replace(/\b([a-z]{1,8}-[0-9a-f]{4})[0-9a-f]{9}([0-9a-f]{4})\b/g, '$1…$2')
    .replace(/\b([0-9a-f]{4})[0-9a-f]{24}([0-9a-f]{4})\b/g, '$1…$2');

/** `isolate instance web-1 (i-0abc)`, `revoke role sessions on role admin`: the kind of resource is said once. Untrusted. */
export function actionOn(playbook: string, name: string): string {
  const words = playbookWords(playbook);
  const after = nameAfter(playbook, name);
  return after === name ? `${words} on ${name}` : `${words} ${after}`;
}

/** Returns the name without the kind of resource that the words of the playbook end with. Untrusted. */
export function nameAfter(playbook: string, name: string): string {
  const kind = playbook.slice(playbook.lastIndexOf('-') + 1);
  return name.startsWith(`${kind} `) ? name.slice(kind.length + 1) : name;
}

/** `isolate-instance` as people say it. */
export const playbookWords = (playbook: string): string => playbook.replaceAll('-', ' ');

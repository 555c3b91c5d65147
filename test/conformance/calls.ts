/**
 * Which AWS calls each playbook can make, from its source: every `api.XCommand` in its file and in what that imports. Shared
 * modules count for everybody who imports them, so the list can be longer than what one run makes, never shorter.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface Call {
  /** Module in core/aws/services. */
  readonly service: string;
  readonly operation: string;
}

const ROOT = resolve(import.meta.dirname, '../..');
const SERVICES = resolve(ROOT, 'core/aws/services');
const text = (file: string): string => readFileSync(file, 'utf8');

/** Operations by service module. */
const operations = new Map(
  readdirSync(SERVICES).map((name): [string, ReadonlySet<string>] => [
    name.replace(/\.ts$/, ''),
    new Set([...text(resolve(SERVICES, name)).matchAll(/\b(\w+)Command\b/g)].map(([, found = '']) => found)),
  ]),
);

/** `aws.s3control()` -> s3control: how core/aws/client.ts names the modules. */
const methods = new Map(
  [
    ...text(resolve(ROOT, 'core/aws/client.ts')).matchAll(
      /(\w+): \(\) =>\s*service\('\w+', \(\) => import\('\.\/services\/(\w+)\.ts'\)/g,
    ),
  ].map(([, method = '', service = '']): [string, string] => [method, service]),
);

/** The file and every file of this project it imports, types left out. */
function reached(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, from = ''] of text(file).matchAll(/^(?:import|export)(?! type)[^;]*? from '(\.[^']+)';/gm)) {
    const next = resolve(dirname(file), from);
    // core/aws/client.ts imports every service: only what is asked of it counts.
    if (!next.endsWith('core/aws/client.ts') && !next.startsWith(SERVICES)) reached(next, seen);
  }
  return seen;
}

export function callsOf(playbookId: string): readonly Call[] {
  const found = new Map<string, Call>();
  for (const file of reached(resolve(ROOT, `playbooks/${playbookId}/playbook.ts`))) {
    const source = text(file);
    const asked = [...methods]
      .filter(([method]) => source.includes(`.${method}()`))
      .map(([, service]) => service);
    for (const [, operation = ''] of source.matchAll(/\bapi\.(\w+)Command\b/g)) {
      const having = [...operations].filter(([, own]) => own.has(operation)).map(([service]) => service);
      const services = having.length > 1 ? having.filter((service) => asked.includes(service)) : having;
      for (const service of services) found.set(`${service}:${operation}`, { service, operation });
    }
  }
  return [...found.values()].sort((a, b) =>
    `${a.service}${a.operation}` < `${b.service}${b.operation}` ? -1 : 1,
  );
}

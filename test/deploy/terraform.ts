/** deploy/terraform as Terraform reads it, by the HCL parser that the policy scanner brings (test/conformance/setup.sh). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const READ = 'import hcl2, json, sys; print(json.dumps(hcl2.load(sys.stdin)))';

/** The parser puts each value into a list, because a block may be repeated. */
const body = z.record(z.string(), z.unknown()).transform((values) =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => !/^__(start|end)_line__$/.test(name))
      .map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  ),
);
const main = z.object({
  locals: z.tuple([body]),
  resource: z.array(z.record(z.string(), z.record(z.string(), body))),
});

/** Values by the name of a local, and by `TYPE.NAME` of a resource; expressions in `${…}`. */
export interface Example {
  readonly locals: Readonly<Record<string, unknown>>;
  readonly resources: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Returns what main.tf says. Throws when it is not HCL. */
export function terraformExample(): Example {
  const input = readFileSync('deploy/terraform/main.tf', 'utf8');
  const { status, stdout, stderr } = spawnSync('.venv/bin/python', ['-c', READ], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`deploy/terraform/main.tf is not HCL: ${stderr}`);
  const { locals, resource } = main.parse(JSON.parse(stdout));
  const resources = resource.flatMap((block) =>
    Object.entries(block).flatMap(([type, named]) =>
      Object.entries(named).map(([name, values]) => [`${type}.${name}`, values] as const),
    ),
  );
  return { locals: locals[0], resources: Object.fromEntries(resources) };
}

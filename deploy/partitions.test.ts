import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RIGHTS } from '../playbooks/known.ts';
import { forwardRegion } from './forward-region.ts';
import { memberAccount } from './member-account.ts';
import { rolePolicies } from './role-policies.ts';
import { stackRoles } from './roles.ts';

/** Source that is deployed or run for real; tests, samples and what people read may show ARNs. */
const sources = execFileSync('git', ['ls-files', '*.ts', '*.yml', '*.json', 'statemachines'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => !file.endsWith('.test.ts'))
  .filter((file) =>
    /^(core|playbooks|pipeline|functions|slack|cli|console|deploy|statemachines)\/|^serverless\.yml$/.test(
      file,
    ),
  );

it('no source names a partition in an ARN', () => {
  expect(sources.length).toBeGreaterThan(100);
  const named = sources.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line, index) => ({ line, at: `${file}:${index + 1}` }))
      // Comments show what an ARN looks like.
      .filter(({ line }) => /arn:aws(-[a-z-]+)?:/.test(line) && !/^\s*(\*|\/\*|\/\/|#)/.test(line))
      .map(({ at }) => at),
  );
  expect(named).toEqual([]);
});

describe.each(['aws-us-gov', 'aws-cn'])('in %s', (partition) => {
  const deployment = {
    partition,
    region: partition === 'aws-cn' ? 'cn-north-1' : 'us-gov-west-1',
    account: '111122223333',
    stage: 'prod',
    parameters: {
      PipelineAccount: '111122223333',
      ExternalId: 'firebreak-prod',
      OrganizationId: 'o-0123456789',
    },
  };
  it('every ARN of every policy is of the partition', async () => {
    for (const template of [await stackRoles(RIGHTS), memberAccount(RIGHTS)]) {
      for (const { identity, boundary, trust } of Object.values(rolePolicies(template, deployment))) {
        const text = [...identity.values(), ...boundary.values(), trust].join();
        const partitions = new Set([...text.matchAll(/"arn:([^:]+):/g)].map(([, found]) => found));
        expect([...partitions].filter((found) => found !== partition)).toEqual([]);
      }
    }
  });
});

it('the forwarding template takes the bus of any partition, and forwards from elsewhere only', () => {
  const template = forwardRegion() as {
    Parameters: { HubBusArn: { AllowedPattern: string } };
    Resources: Record<string, { Condition?: string }>;
  };
  const pattern = new RegExp(`^${template.Parameters.HubBusArn.AllowedPattern}$`);
  for (const partition of ['aws', 'aws-us-gov', 'aws-cn']) {
    expect(`arn:${partition}:events:eu-west-1:111122223333:event-bus/firebreak-prod`).toMatch(pattern);
  }
  expect('arn:aws:events:eu-west-1:111122223333:event-bus/default').not.toMatch(pattern);
  for (const [id, { Condition }] of Object.entries(template.Resources))
    expect(Condition, id).toBe('Elsewhere');
});

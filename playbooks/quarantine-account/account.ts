/** The account as target, and its live state: what its organisation says of it. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { iamHome } from '../../core/aws/regions.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { Target, TargetChoice } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { attachedTo, inManagement, policyNamed } from '../common/organization/policies.ts';
import { exemptIn, QUARANTINE_POLICY } from '../common/organization/quarantine.ts';
import { managementOf } from './settings.ts';

const policy = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('deployed'), arn: z.string(), exempt: z.array(z.string()) }),
  z.object({ kind: z.literal('missing') }),
  z.object({ kind: z.literal('another') }),
]);

export const accountState = z.object({
  /** Null: policy.yml does not name it, and nothing else was read. */
  management: z.string().nullable(),
  /** The account that Firebreak runs in. */
  hub: z.string(),
  name: z.string(),
  /** In Organizations. */
  arn: z.string(),
  policy,
  /** Names of the policies that are attached to the account itself. */
  attached: z.array(z.string()),
});
export type AccountState = z.infer<typeof accountState>;

export function accountOf(finding: Finding): TargetChoice {
  const { account } = finding;
  if (!/^\d{12}$/.test(account)) return { ok: false, reason: 'the finding does not name an account' };
  const scope = iamHome(finding);
  return {
    ok: true,
    target: {
      ...scope,
      ...{ kind: 'account', id: account, facts: {} },
      display: arn(scope, 'iam', 'root', { global: true }),
    },
  };
}

/** Throws ResourceNotFound where the organisation does not have the account. */
export async function readAccount(
  { account, display }: Target,
  aws: Aws,
  settings: JsonObject = {},
): Promise<AccountState> {
  const management = managementOf(settings);
  const { account: hub } = aws.inAccount(undefined, aws.scope.region).scope;
  if (management === undefined)
    return {
      ...{ management: null, hub, name: '', arn: '' },
      ...{ policy: { kind: 'missing' }, attached: [] },
    };
  const there = inManagement(aws, management);
  const { client, api } = await there.organizations();
  try {
    const [{ Account }, found, attached] = await Promise.all([
      client.send(new api.DescribeAccountCommand({ AccountId: account })),
      policyNamed(there, QUARANTINE_POLICY),
      attachedTo(there, account),
    ]);
    const exempt = found && exemptIn(found.content);
    return {
      ...{ management, hub, name: Account?.Name ?? '', arn: Account?.Arn ?? '' },
      policy: !found
        ? { kind: 'missing' }
        : exempt
          ? { kind: 'deployed', arn: found.arn, exempt: [...exempt] }
          : { kind: 'another' },
      attached: attached.map(({ name }) => name).sort(),
    };
  } catch (error) {
    if (!['AccountNotFoundException', 'TargetNotFoundException'].includes(awsErrorName(error) ?? ''))
      throw error;
    throw new FirebreakError(
      'ResourceNotFound',
      `the organisation of ${management} does not have the account`,
      {
        resource: display,
        next: 'Check that playbooks.quarantine-account.managementAccount in policy.yml is the management account of its organization.',
        cause: error,
      },
    );
  }
}

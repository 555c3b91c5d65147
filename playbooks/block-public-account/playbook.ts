/** The account's public access block was switched off: switch it on again, when a person says so. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { definePlaybook } from '../../core/journal/playbook.ts';
import { type Json, sameJson } from '../../core/json.ts';
import { ALL_BLOCKED, blockOf, blockValue } from '../common/s3/public-access-block.ts';
import { stepKind } from '../common/step-kind.ts';

async function accountBlock(aws: Aws): Promise<Json> {
  const { client, api } = await aws.s3control();
  return blockOf(() => client.send(new api.GetPublicAccessBlockCommand({ AccountId: aws.scope.account })));
}

const publicAccessBlock = stepKind(z.object({}), {
  value: blockValue,
  foreign: () => undefined,
  read: async (_args, { aws }) => ({ value: await accountBlock(aws) }),
  after: () => ({ ...ALL_BLOCKED }),
  async apply(_args, { aws }) {
    const { client, api } = await aws.s3control();
    await client.send(
      new api.PutPublicAccessBlockCommand({
        AccountId: aws.scope.account,
        PublicAccessBlockConfiguration: { ...ALL_BLOCKED },
      }),
    );
    return undefined;
  },
  async revert(_args, { aws }, before) {
    const { client, api } = await aws.s3control();
    const AccountId = aws.scope.account;
    if (before === null) await client.send(new api.DeletePublicAccessBlockCommand({ AccountId }));
    else {
      await client.send(
        new api.PutPublicAccessBlockCommand({ AccountId, PublicAccessBlockConfiguration: before }),
      );
    }
    return 'reverted';
  },
});

const state = z.object({ block: z.custom<Json>() });

export const blockPublicAccount = definePlaybook({
  id: 'block-public-account',
  title: "Switch the account's S3 public access block on again",
  about: `
Turns all four switches of the account's public access block on. A person is always asked, because every bucket of the
account that is public on purpose (websites, downloads) is closed with it.

**Undo** restores the four switches as they were; where nothing was set, the configuration is deleted again.
`.trim(),
  handles: ['Policy:S3/AccountBlockPublicAccessDisabled'],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        actions: ['s3:GetAccountPublicAccessBlock'],
        resources: ['*'],
        why: "the account's public access block",
      },
    ],
    write: [
      {
        // The action has no resource level.
        actions: ['s3:PutAccountPublicAccessBlock'],
        resources: ['*'],
        why: "the account's public access block, after an approval only",
        worst:
          "takes the account's public access block away: policies and ACLs of buckets may then open them",
      },
    ],
  },
  proofDelaySeconds: 5,
  state,
  targetOf({ partition, account, region }) {
    const scope = { partition, account, region };
    const display = arn(scope, 'iam', 'root', { global: true });
    return { ok: true, target: { ...scope, kind: 's3-account', id: account, display, facts: {} } };
  },
  read: async (_target, aws) => ({ block: await accountBlock(aws) }),
  plan(live, { id, display }) {
    return {
      kind: 'plan',
      steps: [
        {
          id: 'public-access-block',
          kind: 'public-access-block',
          role: 'contain',
          describe: `Block all public access to every bucket of account ${id}`,
          args: {},
          before: live.block,
          after: { ...ALL_BLOCKED },
        },
      ],
      blastRadius: { count: 1, unit: 'accounts', detail: [`every bucket of account ${id}`] },
      warnings: ['every website and download that S3 serves to the public from this account stops'],
      residual: [],
      askBecause: ['it closes every public bucket of the account, those that are public on purpose as well'],
      tags: {},
      arns: [display],
    };
  },
  kinds: { 'public-access-block': publicAccessBlock },
  async verify({ aws }) {
    const block = await accountBlock(aws);
    const proven = sameJson(block, { ...ALL_BLOCKED });
    const saw =
      block === null ? 'no public access block is set' : `public access block: ${JSON.stringify(block)}`;
    return {
      proven,
      checks: [{ id: 'public-access-block', ok: proven, saw }],
      residual: [],
      next: proven ? 'final' : 'recontain',
    };
  },
});

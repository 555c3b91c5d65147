/** The whole life of `detach-instance-profile` on moto: the profile goes, or another comes, and exactly the first comes back. */
import * as ec2 from '@aws-sdk/client-ec2';
import * as iam from '@aws-sdk/client-iam';
import { it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { detachInstanceProfile } from '../../playbooks/detach-instance-profile/playbook.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { life } from './life.ts';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';

const at = onStage(motoStage);

/** The ARN of the profile that the instance has, as EC2 tells it. */
async function profileOf(instanceId: string | undefined): Promise<string | undefined> {
  const { IamInstanceProfileAssociations = [] } = await new ec2.EC2Client({}).send(
    new ec2.DescribeIamInstanceProfileAssociationsCommand({
      Filters: [{ Name: 'instance-id', Values: [instanceId ?? ''] }],
    }),
  );
  return IamInstanceProfileAssociations[0]?.IamInstanceProfile?.Arn;
}

it.each([
  ['with nothing in its place', {}],
  ['with the profile that policy.yml names', { replacement: 'firebreak-replacement-forensic' }],
])('detach-instance-profile: the profile of before comes back %s', async (_how, settings) => {
  const { instanceIds, roleId } = await at.stage.instance({ role: 'web-app' });
  const [instanceId] = instanceIds;
  const roles = new iam.IAMClient({});
  await roles.send(
    new iam.CreateInstanceProfileCommand({ InstanceProfileName: 'firebreak-replacement-forensic' }),
  );
  const event = findingOn(createTwin(at.stage.scope), {
    seed: 'stolen',
    type: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        accessKeyId: 'ASIAEXAMPLE000000001',
        principalId: `${roleId}:${instanceId}`,
        userType: 'AssumedRole',
        userName: 'web-app',
      },
    },
  });
  const choice = await detachInstanceProfile.locate?.(parseFinding(event), at.stage.aws());
  if (!choice?.ok) throw new Error(choice?.reason ?? 'no target');
  const located = { playbook: detachInstanceProfile, target: choice.target };
  await life(at, event, () => profileOf(instanceId), [], located, settings);
});

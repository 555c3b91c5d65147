/**
 * A permission set says nothing to its accounts until it is provisioned to them, which Identity Center does by and by. One
 * request at a time: a second one while the first is under way is refused (ConflictException), so that is waited for.
 */
import { type Aws, pause } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import type { Place } from './identity-center.ts';

const LOOK_EVERY_MS = 2000;

export type Provisioning =
  | { readonly status: 'IN_PROGRESS' | 'SUCCEEDED' }
  | { readonly status: 'FAILED'; readonly why: string };

/**
 * Provisions the permission set to every account that has it, unless a request that is under way brings what is wanted.
 * Gives the id of the request that did or does; `done` is false where it had not ended after `looks` looks.
 */
export async function provision(
  aws: Aws,
  place: Place,
  isThere: () => Promise<boolean>,
  looks: number,
): Promise<{ readonly requestId: string; readonly done: boolean }> {
  // After a crash this is our own request. Another one may be older than our change: then ours comes after it.
  const underWay = await requestUnderWay(aws, place);
  if (underWay !== undefined) {
    const done = await provisioned(aws, place, underWay, looks);
    if (!done || (await isThere())) return { requestId: underWay, done };
  }
  const { client, api } = await aws.ssoAdmin();
  const { PermissionSetProvisioningStatus: made } = await client.send(
    new api.ProvisionPermissionSetCommand({
      InstanceArn: place.instanceArn,
      PermissionSetArn: place.permissionSetArn,
      TargetType: 'ALL_PROVISIONED_ACCOUNTS',
    }),
  );
  if (!made?.RequestId) throw new Error('ProvisionPermissionSet gave no request id');
  return { requestId: made.RequestId, done: await provisioned(aws, place, made.RequestId, looks) };
}

/** The list of requests does not say whose they are: each one that is under way is looked at. */
async function requestUnderWay(aws: Aws, place: Place): Promise<string | undefined> {
  const { client, api } = await aws.ssoAdmin();
  const { PermissionSetsProvisioningStatus: requests = [] } = await client.send(
    new api.ListPermissionSetProvisioningStatusCommand({
      InstanceArn: place.instanceArn,
      Filter: { Status: 'IN_PROGRESS' },
    }),
  );
  for (const { RequestId } of requests) {
    if (RequestId === undefined) continue;
    const { PermissionSetProvisioningStatus: found } = await client.send(
      new api.DescribePermissionSetProvisioningStatusCommand({
        InstanceArn: place.instanceArn,
        ProvisionPermissionSetRequestId: RequestId,
      }),
    );
    if (found?.PermissionSetArn === place.permissionSetArn && found.Status === 'IN_PROGRESS')
      return RequestId;
  }
  return undefined;
}

export async function provisioningOf(
  aws: Aws,
  { instanceArn }: Place,
  requestId: string,
): Promise<Provisioning> {
  const { client, api } = await aws.ssoAdmin();
  const { PermissionSetProvisioningStatus: found } = await client.send(
    new api.DescribePermissionSetProvisioningStatusCommand({
      InstanceArn: instanceArn,
      ProvisionPermissionSetRequestId: requestId,
    }),
  );
  if (found?.Status === 'SUCCEEDED') return { status: 'SUCCEEDED' };
  if (found?.Status !== 'FAILED') return { status: 'IN_PROGRESS' };
  return { status: 'FAILED', why: found.FailureReason ?? 'no reason given' };
}

/** Waits for the end of a request, `looks` times 2 s at most. Throws StepFailed where Identity Center gives it up. */
async function provisioned(aws: Aws, place: Place, requestId: string, looks: number): Promise<boolean> {
  for (let look = 0; look < looks; look++) {
    const found = await provisioningOf(aws, place, requestId);
    if (found.status === 'SUCCEEDED') return true;
    if (found.status === 'FAILED') {
      throw new FirebreakError('StepFailed', `provisioning failed: ${found.why}`, {
        resource: place.permissionSetArn,
        next: 'Provision the permission set by hand in IAM Identity Center; its policy is changed already.',
      });
    }
    await pause(LOOK_EVERY_MS);
  }
  return false;
}

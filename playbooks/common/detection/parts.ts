/** What of GuardDuty can be turned against its owner while the detector stays on: each part is read and written here. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { FirebreakError } from '../../../core/errors.ts';
import { type Json, toJson } from '../../../core/json.ts';
import { describeSet, setIds, updateSet } from '../../../core/lists/sets.ts';
import { damaged } from '../step-kind.ts';
import { type Features, featureChanges, featuresOf, featuresSchema } from './features.ts';

const ACCOUNT = /^\d{12}$/;
const ID = /^[\w-]{1,300}$/;

export const partSchema = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('filter'), name: z.string().regex(/^[\w.-]{3,64}$/) }),
  z.strictObject({
    of: z.literal('set'),
    kind: z.enum(['trusted', 'threat']),
    holds: z.enum(['addresses', 'entities']),
    id: z.string().regex(ID),
  }),
  z.strictObject({ of: z.literal('destination') }),
  z.strictObject({ of: z.literal('member'), account: z.string().regex(ACCOUNT) }),
  z.strictObject({ of: z.literal('member-features'), account: z.string().regex(ACCOUNT) }),
]);
export type DetectionPart = z.infer<typeof partSchema>;

/** What each part is, as it is read, recorded and written. */
const setValue = z.strictObject({ location: z.string(), active: z.boolean() });
const destinationValue = z.strictObject({ arn: z.string(), key: z.string().nullable() });
const filterValue = z.enum(['ARCHIVE', 'NOOP']);
/** Of a relation between administrator and member: `Enabled` is monitored, `Removed` and `Resigned` have left [M]. */
const memberValue = z.enum(['monitored', 'paused', 'removed']);

/** Returns the name of a part for people. Names have passed the pattern of their kind. */
export function partName(part: DetectionPart): string {
  switch (part.of) {
    case 'filter':
      return `GuardDuty's filter ${part.name}`;
    case 'set':
      return `GuardDuty's ${part.kind} ${part.holds === 'entities' ? 'entity' : 'IP'} set ${part.id}`;
    case 'destination':
      return "GuardDuty's publishing destination";
    case 'member':
      return `GuardDuty's monitoring of member ${part.account}`;
    case 'member-features':
      return `GuardDuty's features in member ${part.account}`;
  }
}

export const partId = (part: DetectionPart): string =>
  [part.of, ...Object.entries(part).flatMap(([key, value]) => (key === 'of' ? [] : [value]))].join(':');

/** Returns the value as AWS has it; null where there is no such thing. */
export async function readPart(aws: Aws, detector: string, part: DetectionPart): Promise<Json> {
  switch (part.of) {
    case 'filter':
      return readFilter(aws, detector, part.name);
    case 'set': {
      const place = { ...part, detector };
      if (!(await setIds(aws, place)).includes(part.id)) return null;
      const { location, status } = await describeSet(aws, place, part.id);
      return { location, active: status === 'ACTIVE' || status === 'ACTIVATING' };
    }
    case 'destination':
      return (await readDestination(aws, detector))?.value ?? null;
    case 'member':
      return (await readMember(aws, detector, part.account))?.value ?? null;
    case 'member-features':
      return readMemberFeatures(aws, detector, part.account);
  }
}

/** Writes the value. Throws where AWS cannot take it. */
export async function putPart(aws: Aws, detector: string, part: DetectionPart, value: Json): Promise<void> {
  const { client, api } = await aws.guardDuty();
  const DetectorId = detector;
  switch (part.of) {
    case 'filter': {
      const Action = filterValue.parse(value);
      await client.send(new api.UpdateFilterCommand({ DetectorId, FilterName: part.name, Action }));
      return;
    }
    case 'set': {
      const { location, active } = setValue.parse(value);
      await updateSet(aws, { ...part, detector }, part.id, { Location: location, Activate: active });
      return;
    }
    case 'destination':
      return putDestination(aws, detector, value === null ? null : destinationValue.parse(value));
    case 'member':
      return putMember(aws, detector, part.account, memberValue.parse(value));
    case 'member-features': {
      const wanted = featuresSchema.parse(value);
      const live = featuresSchema.parse((await readMemberFeatures(aws, detector, part.account)) ?? {});
      return putMemberFeatures(aws, detector, part.account, wanted, live);
    }
  }
}

/** Switches the features of a member that differ. */
export async function putMemberFeatures(
  aws: Aws,
  DetectorId: string,
  account: string,
  wanted: Features,
  other: Features,
): Promise<void> {
  // Not a feature that an administrator sets for members.
  const Features = featureChanges(wanted, other).flatMap(({ Name, ...one }) =>
    Name === 'AI_ANALYST' ? [] : [{ Name, ...one }],
  );
  if (Features.length === 0) return;
  const { client, api } = await aws.guardDuty();
  const answer = await client.send(
    new api.UpdateMemberDetectorsCommand({ DetectorId, AccountIds: [account], Features }),
  );
  processed(answer.UnprocessedAccounts);
}

async function readFilter(aws: Aws, DetectorId: string, FilterName: string): Promise<Json> {
  const { client, api } = await aws.guardDuty();
  const names = await allPages(async (NextToken) => {
    const page = await client.send(new api.ListFiltersCommand({ DetectorId, NextToken }));
    return { items: page.FilterNames, next: page.NextToken };
  });
  if (!names.includes(FilterName)) return null;
  const { Action } = await client.send(new api.GetFilterCommand({ DetectorId, FilterName }));
  return Action ?? null;
}

/** GuardDuty exports to one bucket of an account and Region. */
async function readDestination(aws: Aws, DetectorId: string) {
  const { client, api } = await aws.guardDuty();
  const { Destinations = [] } = await client.send(new api.ListPublishingDestinationsCommand({ DetectorId }));
  const id = Destinations.find(({ DestinationType }) => DestinationType === 'S3')?.DestinationId;
  if (id === undefined) return undefined;
  const found = await client.send(
    new api.DescribePublishingDestinationCommand({ DetectorId, DestinationId: id }),
  );
  const { DestinationArn = '', KmsKeyArn = null } = found.DestinationProperties ?? {};
  return { id, status: found.Status, value: { arn: DestinationArn, key: KmsKeyArn } };
}

/** Returns why GuardDuty cannot publish there; undefined where it says nothing of the kind. */
export async function destinationProblem(aws: Aws, detector: string): Promise<string | undefined> {
  const status = (await readDestination(aws, detector))?.status;
  return status === 'UNABLE_TO_PUBLISH_FIX_DESTINATION_PROPERTY'
    ? 'GuardDuty cannot write there: look at the policies of the bucket and of the key'
    : undefined;
}

async function putDestination(
  aws: Aws,
  DetectorId: string,
  value: z.infer<typeof destinationValue> | null,
): Promise<void> {
  const { client, api } = await aws.guardDuty();
  const there = await readDestination(aws, DetectorId);
  if (value === null) {
    if (there === undefined) return;
    await client.send(new api.DeletePublishingDestinationCommand({ DetectorId, DestinationId: there.id }));
    return;
  }
  const DestinationProperties = {
    DestinationArn: value.arn,
    ...(value.key === null ? {} : { KmsKeyArn: value.key }),
  };
  await (there === undefined
    ? client.send(
        new api.CreatePublishingDestinationCommand({
          DetectorId,
          DestinationType: 'S3',
          DestinationProperties,
        }),
      )
    : client.send(
        new api.UpdatePublishingDestinationCommand({
          DetectorId,
          DestinationId: there.id,
          DestinationProperties,
        }),
      ));
}

async function readMember(aws: Aws, DetectorId: string, account: string) {
  const { client, api } = await aws.guardDuty();
  const { Members = [] } = await client.send(
    new api.GetMembersCommand({ DetectorId, AccountIds: [account] }),
  );
  const [member] = Members;
  if (!member) return undefined;
  const { RelationshipStatus: status = '', Email: email } = member;
  const value =
    status === 'Enabled' ? 'monitored' : /^(Removed|Resigned)$/.test(status) ? 'removed' : 'paused';
  return { value: memberValue.parse(value), email };
}

async function putMember(
  aws: Aws,
  DetectorId: string,
  account: string,
  value: z.infer<typeof memberValue>,
): Promise<void> {
  const { client, api } = await aws.guardDuty();
  const AccountIds = [account];
  const there = await readMember(aws, DetectorId, account);
  if (value === 'removed') {
    const answer = await client.send(new api.DisassociateMembersCommand({ DetectorId, AccountIds }));
    return processed(answer.UnprocessedAccounts);
  }
  if (value === 'paused') {
    const answer = await client.send(new api.StopMonitoringMembersCommand({ DetectorId, AccountIds }));
    return processed(answer.UnprocessedAccounts);
  }
  if (there?.value === 'removed') {
    const AccountDetails = [{ AccountId: account, Email: there.email }];
    const answer = await client.send(new api.CreateMembersCommand({ DetectorId, AccountDetails }));
    return processed(answer.UnprocessedAccounts);
  }
  const answer = await client.send(new api.StartMonitoringMembersCommand({ DetectorId, AccountIds }));
  return processed(answer.UnprocessedAccounts);
}

/** GuardDuty answers 200 with the accounts that it did not change inside. */
function processed(
  unprocessed: readonly { AccountId?: string | undefined; Result?: string | undefined }[] = [],
): void {
  const [first] = unprocessed;
  if (first === undefined) return;
  throw new FirebreakError(
    'StepFailed',
    `GuardDuty did not change the member: ${first.Result ?? 'no reason'}`,
    {
      resource: first.AccountId ?? 'the member',
      next: 'See in GuardDuty, under Accounts, whether the account is in the organization and has a detector.',
    },
  );
}

async function readMemberFeatures(aws: Aws, DetectorId: string, account: string): Promise<Json> {
  const { client, api } = await aws.guardDuty();
  const { MemberDataSourceConfigurations = [] } = await client.send(
    new api.GetMemberDetectorsCommand({ DetectorId, AccountIds: [account] }),
  );
  const [found] = MemberDataSourceConfigurations;
  return found ? toJson(featuresOf(found.Features ?? [])) : null;
}

/** The part of a recorded step. Throws InputInvalid for one that Firebreak does not write. */
export function recordedPart(given: unknown): DetectionPart {
  const { data } = partSchema.safeParse(given);
  if (data) return data;
  throw damaged('it is about no part of GuardDuty');
}

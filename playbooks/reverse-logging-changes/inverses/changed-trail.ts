import type { Trail as LiveTrail, UpdateTrailRequest } from '@aws-sdk/client-cloudtrail';
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import type { JsonObject } from '../../../core/json.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { BUCKET } from '../../common/s3/bucket-target.ts';
import { keptTrail, nameOf, SOURCE, TRAILS, type Trail, trail, trailIn, unlessGone } from '../trail.ts';

const text = z.string().min(1).max(2048).nullable();
const settings = z.strictObject({
  bucket: z.string().regex(BUCKET),
  prefix: text,
  topic: text,
  globalEvents: z.boolean(),
  allRegions: z.boolean(),
  validation: z.boolean(),
  logGroup: text,
  logRole: text,
  key: text,
  organization: z.boolean(),
  /** Whether CloudTrail's own deliveries are recorded; trails from before that setting have them. */
  deliveries: z.boolean(),
});
type Settings = z.infer<typeof settings>;
/** null: the trail is gone. */
const value = settings.nullable();

/**
 * A trail sends its records where it did, or is created again. CloudTrail records the answers of CreateTrail and UpdateTrail, which
 * hold every setting, and AWS Config spells them alike; an empty text in UpdateTrail takes a setting away [M-LAB].
 */
export const changedTrail = defineInverse({
  id: 'changed-trail',
  danger: 'blinds',
  calls: { source: SOURCE, names: ['UpdateTrail', 'DeleteTrail'], alsoTold: ['CreateTrail'] },
  does: 'bucket, key, Regions and log group of the trail are as before; a deleted trail is created again under its name',
  resource: trail,
  value,
  effects: ({ name, request, response }, scope) => [
    {
      resource: trailIn(request, 'name', scope),
      left: name === 'DeleteTrail' ? null : settingsIn(response),
    },
  ],
  listedAs: (one) => one.trail,
  alsoListedAs: (one) => [nameOf(one)],
  recorded: {
    of: (one) => ({ type: 'AWS::CloudTrail::Trail', name: nameOf(one) }),
    value: ({ configuration }) => settingsIn(configuration),
  },
  names: (_aws, one) => [one.trail, nameOf(one)],
  says: (one, wanted) => `Let trail ${nameOf(one)} write to ${wanted?.bucket} as before`,
  read: liveSettings,
  async put(aws, one, to, from) {
    if (to === null) return;
    const { client, api } = await aws.cloudTrail();
    const all = requestOf(to);
    if (from === null) {
      await client.send(new api.CreateTrailCommand({ ...given(all), Name: nameOf(one) }));
      return;
    }
    const was = new Map<string, unknown>(Object.entries(requestOf(from)));
    const changed = Object.entries(all).filter(([name, setting]) => setting !== was.get(name));
    // Log group and role are refused one without the other.
    const logs = changed.some(([name]) => name.startsWith('CloudWatchLogs')) ? logsOf(all) : {};
    await client.send(
      new api.UpdateTrailCommand({ ...Object.fromEntries(changed), ...logs, Name: one.trail }),
    );
  },
  never(one, wanted, { region, from }) {
    if (wanted === null) return keptTrail(one, region);
    if (wanted.organization === (from?.organization ?? false)) return undefined;
    return `whether a trail records the whole organization is for its management account to say: ${commandFor(one, wanted, region, from !== null)}`;
  },
  unknown: (one, region) =>
    `see the prefix AWSLogs in your log buckets for where it wrote, and compare with your template: ${awsCommand('cloudtrail describe-trails', { region, 'trail-name-list': [one.trail] })}`,
  remains: (one) => [
    `what trail ${nameOf(one)} wrote elsewhere, or did not record, is missing in its bucket; tags and Insights of a deleted trail are set from your template`,
  ],
  permissions: {
    read: [{ actions: ['cloudtrail:GetTrail'], resources: [TRAILS], why: 'where a trail writes' }],
    write: [
      {
        actions: ['cloudtrail:CreateTrail', 'cloudtrail:UpdateTrail'],
        resources: [TRAILS],
        why: 'a trail writes where it did, and is created again where it was deleted',
        worst: 'sends the records of any trail of the account to another bucket',
      },
      {
        actions: ['iam:PassRole'],
        resources: ['arn:${Partition}:iam::${Account}:role/*'],
        condition: { StringEquals: { 'iam:PassedToService': 'cloudtrail.amazonaws.com' } },
        why: 'the role under which a trail wrote to its log group',
        worst: 'lets CloudTrail write as any role that trusts it',
      },
    ],
  },
  words: { setting: 'Where a trail writes, and what it covers', why: 'its records go to where it says' },
  example: {
    eventName: 'UpdateTrail',
    requestParameters: { name: 'audit', s3BucketName: 'collect' },
    responseElements: {
      ...{ name: 'audit', s3BucketName: 'collect', includeGlobalServiceEvents: true },
      ...{ isMultiRegionTrail: true, logFileValidationEnabled: true, isOrganizationTrail: false },
    },
  },
});

/** Returns the settings of a record or of an item; undefined where one that is always there is missing. */
function settingsIn(shown: JsonObject): Settings | undefined {
  const optional = (name: string): string | null => textIn(shown, name) || null;
  return settings.safeParse({
    bucket: textIn(shown, 's3BucketName'),
    prefix: optional('s3KeyPrefix'),
    topic: optional('snsTopicARN'),
    globalEvents: valueIn(shown, 'includeGlobalServiceEvents'),
    allRegions: valueIn(shown, 'isMultiRegionTrail'),
    validation: valueIn(shown, 'logFileValidationEnabled'),
    logGroup: optional('cloudWatchLogsLogGroupArn'),
    logRole: optional('cloudWatchLogsRoleArn'),
    key: optional('kmsKeyId'),
    organization: valueIn(shown, 'isOrganizationTrail') ?? false,
    deliveries: valueIn(shown, 'recursiveLogging') ?? true,
  }).data;
}

async function liveSettings(aws: Aws, one: Trail): Promise<Settings | null> {
  const { client, api } = await aws.cloudTrail();
  const found = await unlessGone(client.send(new api.GetTrailCommand({ Name: one.trail })));
  return found?.Trail ? shownBy(found.Trail) : null;
}

const shownBy = (live: LiveTrail): Settings =>
  settings.parse({
    bucket: live.S3BucketName,
    prefix: live.S3KeyPrefix || null,
    topic: live.SnsTopicARN || null,
    globalEvents: live.IncludeGlobalServiceEvents ?? false,
    allRegions: live.IsMultiRegionTrail ?? false,
    validation: live.LogFileValidationEnabled ?? false,
    logGroup: live.CloudWatchLogsLogGroupArn || null,
    logRole: live.CloudWatchLogsRoleArn || null,
    key: live.KmsKeyId || null,
    organization: live.IsOrganizationTrail ?? false,
    deliveries: live.RecursiveLogging ?? true,
  });

type Request = Required<Omit<UpdateTrailRequest, 'Name' | 'IsOrganizationTrail'>>;

/** The request that sets everything; an empty text where there is none. */
const requestOf = (to: Settings): Request => ({
  S3BucketName: to.bucket,
  S3KeyPrefix: to.prefix ?? '',
  SnsTopicName: to.topic ?? '',
  IncludeGlobalServiceEvents: to.globalEvents,
  IsMultiRegionTrail: to.allRegions,
  EnableLogFileValidation: to.validation,
  CloudWatchLogsLogGroupArn: to.logGroup ?? '',
  CloudWatchLogsRoleArn: to.logRole ?? '',
  KmsKeyId: to.key ?? '',
  RecursiveLogging: to.deliveries,
});
const logsOf = ({ CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn }: Request) => ({
  ...{ CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn },
});

/** What a new trail has no setting of is left out. */
const given = ({ S3BucketName, ...rest }: Request) => ({
  S3BucketName,
  ...Object.fromEntries(Object.entries(rest).filter(([, setting]) => setting !== '')),
});

function commandFor(one: Trail, to: Settings, region: string, exists: boolean): string {
  const flag = (name: string, on: boolean) =>
    on ? { [name]: true as const } : { [`no-${name}`]: true as const };
  const optional = (name: string, setting: string | null) => (setting === null ? {} : { [name]: setting });
  return `${awsCommand(`cloudtrail ${exists ? 'update' : 'create'}-trail`, {
    ...{ region, name: nameOf(one), 's3-bucket-name': to.bucket },
    ...optional('s3-key-prefix', to.prefix),
    ...optional('sns-topic-name', to.topic),
    ...optional('cloud-watch-logs-log-group-arn', to.logGroup),
    ...optional('cloud-watch-logs-role-arn', to.logRole),
    ...optional('kms-key-id', to.key),
    ...flag('include-global-service-events', to.globalEvents),
    ...flag('is-multi-region-trail', to.allRegions),
    ...flag('enable-log-file-validation', to.validation),
    ...flag('is-organization-trail', to.organization),
    ...flag('recursive-logging', to.deliveries),
  })}`;
}

/** Trails in the twin, what CloudTrail remembers of them, and the finding that one was silenced. */
import fc from 'fast-check';
import type { TwinTrail } from '../../sandbox/twin/cloudtrail.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import type { Accounts } from './properties.ts';

export interface TrailWorld {
  readonly home: string;
  readonly trail: Partial<TwinTrail>;
  readonly others: readonly boolean[];
  readonly named: boolean;
  /** CloudTrail remembers what the trail recorded before. */
  readonly baseline: boolean;
}
const arnOf = (home: string, name: string) => `arn:aws:cloudtrail:${home}:111122223333:trail/${name}`;
export const aboutTrail = (twin: AccountTwin, affected: object | undefined) =>
  findingOn(twin, {
    seed: 'trail',
    type: 'Stealth:IAMUser/CloudTrailLoggingDisabled',
    resource: { resourceType: 'AccessKey' },
    action: {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: { api: 'StopLogging', ...(affected ? { affectedResources: { ...affected } } : {}) },
    },
  });
export const NARROW = {
  EventSelectors: [
    {
      ReadWriteType: 'ReadOnly',
      IncludeManagementEvents: false,
      DataResources: [{ Type: 'AWS::S3::Object', Values: [] }],
      ExcludeManagementEventSources: [],
    },
  ],
};
export const WHOLE = {
  AdvancedEventSelectors: [
    { Name: 'all', FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }] },
  ],
};
const before = '2026-11-01T09:00:00Z';
/** What CloudTrail remembers of a PutEventSelectors call. */
export const putSelectors = (trailName: string, request: object, eventTime: string, principalId: string) => ({
  event: {
    eventName: 'PutEventSelectors',
    eventTime,
    userIdentity: { principalId },
    requestParameters: { trailName, ...request },
  },
});
export const remembered = (name: string) =>
  putSelectors(
    name,
    {
      advancedEventSelectors: [
        { name: 'all', fieldSelectors: [{ field: 'eventCategory', equals: ['Management'] }] },
      ],
    },
    before,
    'AIDAEXAMPLE000000001',
  );

export const trailAccounts: Accounts<TrailWorld> = {
  worlds: fc.record({
    home: fc.constantFrom('eu-west-1', 'us-east-1', 'ap-southeast-2'),
    trail: fc.record({ logging: fc.boolean(), selectors: fc.constantFrom(NARROW, WHOLE) }),
    others: fc.array(fc.boolean(), { maxLength: 3 }),
    named: fc.boolean(),
    baseline: fc.boolean(),
  }),
  open(twin, { home, trail, others, named, baseline }) {
    const put = (Name: string, more: Partial<TwinTrail>) =>
      twin.region(home).cloudtrail.trails.push({
        TrailARN: arnOf(home, Name),
        Name,
        HomeRegion: home,
        IsOrganizationTrail: false,
        logging: false,
        deliveryError: null,
        ...more,
      });
    put('audit', trail);
    const { history } = twin.region(home).cloudtrail;
    if (baseline) history.push(remembered('audit'));
    for (const [index, logging] of others.entries()) put(`other-${index}`, { logging });
    return aboutTrail(twin, named ? { 'AWS::CloudTrail::Trail': arnOf(home, 'audit') } : undefined);
  },
};

export const trailsIn = (twin: AccountTwin): TwinTrail[] =>
  Object.values(twin.state.regions).flatMap(({ cloudtrail }) => cloudtrail.trails);

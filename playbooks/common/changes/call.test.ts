/** Whose calls are looked up, and since when. */
import { expect, it } from 'vitest';
import { parseFinding } from '../../../core/finding/finding.ts';
import { createTwin } from '../../../sandbox/twin/twin.ts';
import { findingOn } from '../../../sandbox/worlds.ts';
import { SCOPE } from '../../../test/playbooks/properties.ts';
import { THIEF } from '../../../test/playbooks/reversed.ts';
import { changingCall, isTheirs, suspectOf } from './call.ts';

it('counts a call of the very second in which the finding was first seen', () => {
  const finding = parseFinding(
    findingOn(createTwin(SCOPE), {
      ...{ seed: 'second', type: 'Persistence:IAMUser/AnomalousBehavior' },
      updatedAt: new Date('2026-11-24T07:00:00.940Z'),
      resource: { resourceType: 'AccessKey', accessKeyDetails: { userType: 'IAMUser', ...THIEF } },
    }),
  );
  const suspect = suspectOf(finding);
  const at = (eventTime: string) => {
    const call = changingCall(
      {
        ...{ eventID: '00000000-0000-4000-8000-000000000000', eventName: 'CreateUser', eventTime },
        ...{ eventSource: 'iam.amazonaws.com', awsRegion: 'us-east-1' },
        userIdentity: { accessKeyId: THIEF.accessKeyId },
      },
      finding.account,
    );
    return call && suspect && isTheirs(call, suspect);
  };
  const first = finding.firstSeen ?? finding.updatedAt;
  expect(at(`${first.slice(0, 19)}Z`)).toBe(true);
  expect(at(new Date(Date.parse(first) - 1000).toISOString())).toBe(false);
});

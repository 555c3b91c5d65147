import { z } from 'zod';
import type { Json } from '../../../core/json.ts';
import { detectorOf } from '../../../core/lists/address-lists.ts';
import { defineInverse } from '../../common/changes/inverse.ts';
import { featureName, featureStatus, featuresSchema, switchedIn } from '../../common/detection/features.ts';
import { putMemberFeatures } from '../../common/detection/parts.ts';
import { detectorNames, livePart, readRights, SOURCE } from '../detection.ts';

const partOf = ({ account }: { readonly account: string }) => ({ of: 'member-features' as const, account });
const accountsIn = (given: Json | undefined): readonly Json[] => (Array.isArray(given) ? given : []);
const ENABLED = 'ENABLED';

/** A feature that was switched off for a member account is on again. */
export const memberFeature = defineInverse({
  id: 'member-feature',
  danger: 'blinds',
  calls: { source: SOURCE, names: ['UpdateMemberDetectors'] },
  does: 'a feature that was switched off for a member account is on again',
  resource: z.strictObject({ account: z.string().regex(/^\d{12}$/), feature: featureName }),
  value: featureStatus.nullable(),
  effects: ({ request }) =>
    accountsIn(request['accountIds']).flatMap((account) =>
      switchedIn(request['features']).map(({ name, status }) => ({
        ...{ resource: { account, feature: name }, left: status, guess: ENABLED },
      })),
    ),
  listedAs: ({ account }) => account,
  names: (aws, { account }) => detectorNames(aws, account),
  says: ({ account, feature }) => `Switch ${feature} of GuardDuty on again for member ${account}`,
  async read(aws, one) {
    const live = featuresSchema.nullable().parse(await livePart(aws, partOf(one)));
    return live?.[one.feature] ?? null;
  },
  async put(aws, { account, feature }, to, from) {
    const live = featuresSchema.parse((await livePart(aws, partOf({ account }))) ?? {});
    const [wanted, other] = [to, from].map((value) => ({ ...live, [feature]: featureStatus.parse(value) }));
    await putMemberFeatures(aws, await detectorOf(aws), account, wanted ?? {}, other ?? {});
  },
  never: ({ account, feature }, value, { by }) =>
    by === 'reversal' && value !== ENABLED ? `${feature} was off for member ${account} before` : undefined,
  remains: ({ account, feature }) => [`what ${feature} would have seen in account ${account} was not seen`],
  permissions: {
    read: [readRights(['guardduty:GetMemberDetectors'], 'the features of member accounts')],
    write: [
      {
        // No resource level.
        actions: ['guardduty:UpdateMemberDetectors'],
        resources: ['*'],
        why: 'features of members are on again',
        worst: 'switches features of member accounts off',
      },
    ],
  },
  words: { setting: 'Feature of GuardDuty in a member account', why: 'what only it sees raises no findings' },
  example: {
    eventName: 'UpdateMemberDetectors',
    requestParameters: {
      ...{ detectorId: '12abc34d567e8fa901bc2d34e56789f0', accountIds: ['222233334444'] },
      features: [{ name: 'S3_DATA_EVENTS', status: 'DISABLED' }],
    },
  },
});

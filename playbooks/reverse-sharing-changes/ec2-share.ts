/** What EC2 shares alike: images and snapshots, each with accounts or with everyone. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { defineInverse, type Inverse, textIn } from '../common/changes/inverse.ts';
import {
  COPIED,
  effectOf,
  givenIn,
  isShared,
  publicNames,
  sharedWith,
  sharesAgain,
  sharesWith,
  WORDS,
} from './sharing.ts';

interface Kind {
  readonly id: string;
  /** `image`, as in its ARN. */
  readonly type: 'image' | 'snapshot';
  readonly prefix: 'ami' | 'snap';
  /** Member of the request, and of the resource that is shared. */
  readonly permission: 'launchPermission' | 'createVolumePermission';
  /** Errors that say that it is gone. */
  readonly gone: readonly string[];
  readonly does: string;
  readonly worst: string;
  readonly setting: string;
  readonly why: string;
  /** Whom it is shared with. */
  shares(aws: Aws, id: string): Promise<readonly Shared[] | undefined>;
  share(aws: Aws, id: string, change: Change): Promise<unknown>;
  readonly example: JsonObject;
}
interface Shared {
  readonly UserId?: string | undefined;
  readonly Group?: string | undefined;
}
interface Change {
  readonly OperationType: 'add' | 'remove';
  readonly users: { readonly UserIds: string[] } | undefined;
}

/** Makes the inverse of a kind. */
export function ec2Share({ id, type, prefix, permission, gone, does, worst, ...kind }: Kind): Inverse {
  const name = type === 'image' ? 'Image' : 'Snapshot';
  const right = (verb: string) => ({
    actions: [`ec2:${verb}${name}Attribute`],
    resources: [`arn:\${Partition}:ec2:\${Region}::${type}/*`],
  });
  return defineInverse({
    id,
    danger: 'exposes data',
    calls: { source: 'ec2.amazonaws.com', names: [`Modify${name}Attribute`] },
    does,
    resource: z.strictObject({
      id: z.string().regex(new RegExp(`^${prefix}-[0-9a-f]{8,17}$`)),
      to: sharedWith,
    }),
    value: isShared,
    effects: ({ request }) =>
      givenIn(request, permission).map(({ to, left }) =>
        effectOf({ id: textIn(request, `${type}Id`), to }, left),
      ),
    listedAs: (of) => of.id,
    names: (aws, of) => publicNames(aws, type, of.id),
    says: (of, wanted) => sharesWith(of.id, of.to, wanted),
    byHand: sharesAgain,
    async read(aws, { id: of, to }) {
      try {
        const shares = await kind.shares(aws, of);
        return (shares ?? []).some(({ UserId, Group }) => UserId === to || Group === to);
      } catch (error) {
        if (gone.includes(awsErrorName(error) ?? '')) return false;
        throw error;
      }
    },
    async put(aws, { id: of, to }, wanted) {
      await kind.share(aws, of, {
        OperationType: wanted ? 'add' : 'remove',
        users: to === 'all' ? undefined : { UserIds: [to] },
      });
    },
    remains: () => [COPIED],
    permissions: {
      read: [{ ...right('Describe'), why: `whom a ${type} is shared with` }],
      write: [
        {
          ...right('Modify'),
          why: `whom the principal shared a ${type} with loses access`,
          worst,
        },
      ],
    },
    words: { setting: kind.setting, why: kind.why, values: WORDS },
    example: { eventName: `Modify${name}Attribute`, requestParameters: kind.example },
  });
}

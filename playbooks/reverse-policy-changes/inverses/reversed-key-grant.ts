import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { isJsonObject, toJson } from '../../../core/json.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { KEYS, key, keyId, keyNames, ownKey } from '../key.ts';

const who = z.string().regex(/^[\w+=,.@:/*-]{1,2048}$/);
const context = z.record(z.string(), z.string()).nullable();
const grant = z
  .strictObject({
    grantee: who,
    retiring: who.nullable(),
    operations: z.array(z.string().regex(/^[A-Za-z]{1,64}$/)).min(1),
    equals: context,
    subset: context,
  })
  .nullable();
type Grant = NonNullable<z.infer<typeof grant>>;

/** A grant that was created is revoked. Undo creates it again, under another id: to grant is a right of undo alone. */
export const reversedKeyGrant = defineInverse({
  id: 'reversed-key-grant',
  danger: 'exposes data',
  calls: { source: 'kms.amazonaws.com', names: ['CreateGrant'] },
  does: 'a grant that was created is revoked',
  resource: key.extend({ grant: z.string().regex(/^[0-9a-f]{64}$/) }),
  value: grant,
  effects({ request, response }, scope) {
    const left = {
      grantee: textIn(request, 'granteePrincipal'),
      retiring: textIn(request, 'retiringPrincipal') ?? null,
      operations: valueIn(request, 'operations'),
      equals: valueIn(request, 'constraints', 'encryptionContextEquals') ?? null,
      subset: valueIn(request, 'constraints', 'encryptionContextSubset') ?? null,
    };
    const resource = { key: ownKey(textIn(request, 'keyId'), scope), grant: textIn(response, 'grantId') };
    return [{ resource, left, before: null }];
  },
  listedAs: ({ key: of }) => of,
  names: keyNames,
  says: (of) => `Revoke grant ${of.grant.slice(0, 8)}… of key ${keyId(of)}`,
  async read(aws, of) {
    const [live] = await liveGrants(aws, of);
    return live ? live.value : null;
  },
  async put(aws, of, to) {
    const { client, api } = await aws.kms();
    if (to === null) {
      // By its id as well: a read may show what was.
      const ids = new Set([of.grant, ...(await liveGrants(aws, of)).map(({ id }) => id)]);
      for (const id of ids) await unlessGone(() => revoke(aws, of.key, id));
    } else {
      const { equals, subset } = to;
      // KMS creates no second grant of one name.
      await client.send(
        new api.CreateGrantCommand({
          ...{ KeyId: of.key, GranteePrincipal: to.grantee, Name: again(of.grant) },
          Operations: z.array(z.enum(api.GrantOperation)).parse(to.operations),
          ...(to.retiring === null ? {} : { RetiringPrincipal: to.retiring }),
          ...(equals || subset
            ? {
                Constraints: {
                  ...(equals ? { EncryptionContextEquals: equals } : {}),
                  ...(subset ? { EncryptionContextSubset: subset } : {}),
                },
              }
            : {}),
        }),
      );
    }
  },
  // KMS may name a role or an account otherwise than the call; the grant is known by its id.
  same: (a, b) => (a === null) === (b === null),
  permissions: {
    read: [{ actions: ['kms:ListGrants'], resources: [KEYS], why: 'whether a grant is there' }],
    write: [
      {
        actions: ['kms:RevokeGrant'],
        resources: [KEYS],
        why: 'a grant that the principal created is revoked',
        worst: 'revokes any grant: what uses the key through it stops, as volumes of EBS',
      },
    ],
    undo: [
      {
        actions: ['kms:CreateGrant'],
        resources: [KEYS],
        why: 'creates a grant again that was revoked',
        worst: 'lets anyone use any key whose policy leaves the account in charge',
      },
    ],
  },
  words: { setting: 'Key grant', why: 'whom it names may use the key, whatever the key policy says' },
  example: {
    eventName: 'CreateGrant',
    requestParameters: {
      ...{ keyId: '00000000-0000-4000-8000-00000000000a', operations: ['Decrypt'] },
      granteePrincipal: ['arn', 'aws', 'iam', '', '444455556666', 'root'].join(':'),
    },
    responseElements: { grantId: '0a'.repeat(32) },
  },
});

/** The name of a grant that undo created again, by the id that it had. */
const again = (id: string): string => `firebreak-${id}`;

interface LiveGrant {
  readonly id: string;
  readonly value: Grant | null;
}

/** Returns the grant of that id, and what undo created in its place. */
async function liveGrants(
  aws: Aws,
  of: { readonly key: string; readonly grant: string },
): Promise<readonly LiveGrant[]> {
  const { client, api } = await aws.kms();
  const found: LiveGrant[] = [];
  let marker: string | undefined;
  try {
    do {
      const answer = await client.send(
        new api.ListGrantsCommand({
          ...{ KeyId: of.key, Limit: 100 },
          ...(marker === undefined ? {} : { Marker: marker }),
        }),
      );
      for (const { GrantId = '', Name, ...live } of answer.Grants ?? []) {
        if (GrantId !== of.grant && Name !== again(of.grant)) continue;
        const constraints = toJson(live.Constraints ?? null);
        const part = (name: string) => (isJsonObject(constraints) ? (constraints[name] ?? null) : null);
        const value = grant.parse({
          grantee: live.GranteePrincipal,
          retiring: live.RetiringPrincipal ?? null,
          operations: live.Operations,
          equals: part('EncryptionContextEquals'),
          subset: part('EncryptionContextSubset'),
        });
        found.push({ id: GrantId, value });
      }
      marker = answer.Truncated ? answer.NextMarker : undefined;
    } while (marker !== undefined);
  } catch (error) {
    if (awsErrorName(error) === 'NotFoundException') return [];
    throw error;
  }
  return found;
}

async function revoke(aws: Aws, KeyId: string, GrantId: string): Promise<void> {
  const { client, api } = await aws.kms();
  await client.send(new api.RevokeGrantCommand({ KeyId, GrantId }));
}

async function unlessGone(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (awsErrorName(error) !== 'NotFoundException') throw error;
  }
}

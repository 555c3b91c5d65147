import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import { isJsonObject } from '../../../core/json.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { unlessGone } from '../identity.ts';

const PROVIDERS = 'arn:${Partition}:iam::${Account}:oidc-provider/*';

/** An identity provider accepts the tokens of its client ids alone: one that was added, or came with a new provider, is taken out. */
export const oidcClient = defineInverse({
  id: 'oidc-client',
  danger: 'lets back in',
  calls: {
    source: 'iam.amazonaws.com',
    names: [
      'AddClientIDToOpenIDConnectProvider',
      'CreateOpenIDConnectProvider',
      'RemoveClientIDFromOpenIDConnectProvider',
    ],
  },
  does: 'client ids that were added are removed, with a new provider all of them; the provider stays and accepts no token',
  resource: z.strictObject({
    provider: z.string().regex(/^arn:[a-z-]+:iam::\d{12}:oidc-provider\/[\w./:-]{1,255}$/),
    clientId: z.string().regex(/^[\w.:/=+@,-]{1,255}$/),
  }),
  value: z.boolean().nullable(),
  effects({ name, request, response }, { partition, account }) {
    const provider =
      textIn(request, 'openIDConnectProviderArn') ?? textIn(response, 'openIDConnectProviderArn') ?? '';
    const owner = parseArn(provider);
    if (owner?.partition !== partition || owner.account !== account) return [];
    if (name === 'CreateOpenIDConnectProvider') {
      const listed = valueIn(request, 'clientIDList');
      const ids: readonly unknown[] = Array.isArray(listed) ? listed : [];
      return ids
        .filter((id) => !isJsonObject(id))
        .map((clientId) => ({ resource: { provider, clientId }, left: true, before: false }));
    }
    const resource = { provider, clientId: textIn(request, 'clientID') };
    // Both succeed where nothing is to be done.
    return [name.startsWith('Add') ? { resource, left: true, guess: false } : { resource, left: false }];
  },
  listedAs: ({ provider }) => provider,
  names: (_aws, { provider }) => [provider],
  says: ({ provider, clientId }, wanted) =>
    `${wanted ? 'Accept' : 'No longer accept'} tokens for ${clientId} of provider ${provider.split('/').slice(1).join('/')}`,
  async read(aws, { provider, clientId }) {
    const { client, api } = await aws.iam();
    const found = await unlessGone(
      client.send(new api.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: provider })),
    );
    return found ? (found.ClientIDList ?? []).includes(clientId) : null;
  },
  async put(aws, { provider: OpenIDConnectProviderArn, clientId: ClientID }, to) {
    const { client, api } = await aws.iam();
    const named = { OpenIDConnectProviderArn, ClientID };
    if (to) await client.send(new api.AddClientIDToOpenIDConnectProviderCommand(named));
    else await unlessGone(client.send(new api.RemoveClientIDFromOpenIDConnectProviderCommand(named)));
  },
  permissions: {
    read: [
      {
        actions: ['iam:GetOpenIDConnectProvider'],
        resources: [PROVIDERS],
        why: 'which client ids a provider accepts',
      },
    ],
    write: [
      {
        actions: ['iam:AddClientIDToOpenIDConnectProvider', 'iam:RemoveClientIDFromOpenIDConnectProvider'],
        resources: [PROVIDERS],
        why: 'an identity provider accepts what it accepted',
        worst: 'lets tokens of any application into the roles that trust a provider, or shuts them out',
      },
    ],
  },
  words: {
    setting: 'Client id of an identity provider',
    why: 'tokens for it assume the roles that trust the provider',
    values: { true: 'accepted', false: 'not accepted' },
  },
  example: {
    eventName: 'AddClientIDToOpenIDConnectProvider',
    requestParameters: {
      openIDConnectProviderArn: [
        'arn',
        'aws',
        'iam',
        '',
        '111122223333',
        'oidc-provider/idp.example.com',
      ].join(':'),
      clientID: 'sts.amazonaws.com',
    },
  },
});

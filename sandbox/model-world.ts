/** An API key of Bedrock that leaked, an application next to it, and the finding that someone else's bill is being run up. */
import type { JsonObject } from '../core/json.ts';
import type { TwinUser } from './twin/iam-users.ts';
import type { AccountTwin } from './twin/twin.ts';
import { type FindingParts, findingOn } from './worlds.ts';

const MODEL = 'anthropic.claude-opus-4-6';
/** As the console of Bedrock names the user it makes for a key. */
const LEAKED = 'BedrockAPIKey-x1y2';
const HOUR_MS = 3_600_000;

export interface ModelWorld {
  readonly model: string;
  readonly user: string;
  /** Ids of the credentials: the one that leaked, and that of the healthy application. */
  readonly leaked: string;
  readonly healthy: string;
}

export function modelWorld(twin: AccountTwin): ModelWorld {
  const { scope, state } = twin;
  const user = (UserName: string, number: number): TwinUser => ({
    ...{
      UserName,
      Path: '/',
      UserId: `AIDAFIREBREAKDEMO00${number}`,
      Tags: [{ Key: 'team', Value: 'shop' }],
    },
    inline: {
      models: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: ['bedrock:InvokeModel*', 'bedrock:CallWithBearerToken'], Resource: '*' },
        ],
      }),
    },
    ...{ attached: {}, keys: [], groups: [], console: false, mfa: [] },
    serviceKeys: [
      {
        ...{ id: `ACCAFIREBREAKDEMO000${number}`, service: 'bedrock.amazonaws.com', Status: 'Active' },
        CreateDate: '2026-03-01T00:00:00.000Z',
      },
    ],
  });
  const [leaked, healthy] = [user(LEAKED, 1), user('BedrockAPIKey-shop', 2)];
  for (const one of [leaked, healthy]) state.users[one.UserName] = one;
  const hour = (ago: number) =>
    new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - ago * HOUR_MS).toISOString();
  twin.region(scope.region).modelUse = [
    use(hour(0), 4_210, 61_400_000, 9_800_000),
    ...[1, 2, 3, 4, 5].map((ago) => use(hour(ago), 12, 18_000, 4_000)),
  ];
  return {
    ...{ model: MODEL, user: LEAKED },
    leaked: leaked.serviceKeys?.[0]?.id ?? '',
    healthy: healthy.serviceKeys?.[0]?.id ?? '',
  };
}

const use = (hour: string, Invocations: number, InputTokenCount: number, OutputTokenCount: number) => ({
  ...{ model: MODEL, hour, Invocations, InputTokenCount, OutputTokenCount },
});

/** Cost harvesting by the user of the leaked key. */
export const modelFinding = (
  twin: AccountTwin,
  { user, model }: ModelWorld,
  parts: FindingParts,
): JsonObject =>
  findingOn(twin, {
    ...parts,
    type: 'Impact:IAMUser/CostHarvesting',
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        ...{ userType: 'IAMUser', userName: user },
        principalId: twin.state.users[user]?.UserId ?? '',
      },
      modelDetails: [{ modelId: model }],
    },
    action: {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: {
        ...{ api: 'InvokeModel', serviceName: 'bedrock.amazonaws.com', callerType: 'Remote IP' },
        remoteIpDetails: { ipAddressV4: '198.51.100.77', country: { countryName: 'Nowhere' } },
      },
    },
  });

/** Someone other than Firebreak acts in the account: the call takes effect, and CloudTrail's event history shows it. */
import { iamHome } from '../core/aws/regions.ts';
import { isJsonObject, type Json, type JsonObject, toJson } from '../core/json.ts';
import { madeUuid } from './twin/made-id.ts';
import { type AccountTwin, perform } from './twin/twin.ts';

/** Who calls, as CloudTrail says it. */
export interface Caller {
  readonly accessKeyId?: string;
  readonly principalId: string;
  readonly type?: 'IAMUser' | 'AssumedRole' | 'Root' | 'AWSService';
  readonly userName?: string;
}

export interface Act {
  readonly service: string;
  readonly operation: string;
  readonly input: JsonObject;
  readonly region?: string;
  readonly at: Date;
  /** What the record says where it is not the call's input and answer with small first letters. */
  readonly record?: { readonly name?: string; readonly request?: JsonObject; readonly response?: JsonObject };
  /** Members of the record: `errorCode`, `recipientAccountId`. */
  readonly more?: JsonObject;
}

/** Makes the call and remembers it as the newest. Returns the answer. */
export function act(
  twin: AccountTwin,
  caller: Caller,
  { service, operation, input, at, ...rest }: Act,
): JsonObject {
  const region = rest.region ?? (service === 'IAM' ? iamHome(twin.scope).region : twin.scope.region);
  const answer = rest.more?.['errorCode']
    ? null
    : toJson(perform(twin, { service, operation, input: { ...input }, region }));
  const answered = isJsonObject(answer) ? answer : {};
  const request = rest.record?.request ?? small(input);
  const response = rest.record?.response ?? small(answered);
  remember(twin, caller, {
    service,
    region,
    at,
    request,
    response,
    name: rest.record?.name ?? operation,
    more: rest.more,
  });
  return answered;
}

interface Remembered {
  readonly service: string;
  readonly name: string;
  readonly region: string;
  readonly at: Date;
  readonly request: JsonObject;
  readonly response?: JsonObject;
  readonly more?: JsonObject | undefined;
}

/** Sources that are not the service's name in lower case. */
const SOURCES: Readonly<Record<string, string>> = {
  CloudWatch: 'monitoring',
  CloudWatchLogs: 'logs',
  ConfigService: 'config',
  EventBridge: 'events',
  S3Control: 's3',
};

/** Adds the record of a call that nothing else shows. */
export function remember(twin: AccountTwin, caller: Caller, call: Remembered): void {
  const { history } = twin.region(call.region).cloudtrail;
  const { accessKeyId, principalId, type = 'IAMUser', userName } = caller;
  const session = principalId.split(':')[1] ?? userName;
  history.unshift({
    ...(accessKeyId === undefined ? {} : { key: accessKeyId }),
    ...(session === undefined ? {} : { name: session }),
    resources: textsIn([call.request, call.response ?? {}]),
    event: {
      eventID: madeUuid(`${call.name} ${call.region} ${history.length}`),
      eventName: call.name,
      eventSource: `${SOURCES[call.service] ?? call.service.toLowerCase()}.amazonaws.com`,
      eventTime: call.at.toISOString().replace(/\.\d+Z$/, 'Z'),
      eventType: 'AwsApiCall',
      eventCategory: 'Management',
      awsRegion: call.region,
      recipientAccountId: twin.scope.account,
      // As CloudTrail says it of STS: what issues credentials only reads.
      readOnly: call.service === 'STS' || /^(Get|List|Describe)/.test(call.name),
      userIdentity: {
        ...{ type, principalId, accountId: twin.scope.account },
        ...(accessKeyId === undefined ? {} : { accessKeyId }),
        ...(userName === undefined ? {} : { userName }),
      },
      requestParameters: call.request,
      responseElements: call.response && Object.keys(call.response).length > 0 ? call.response : null,
      ...call.more,
    },
  });
}

/** CloudTrail begins the members of requests and answers with a small letter. */
function small(value: JsonObject): JsonObject {
  const inner = (each: Json): Json =>
    Array.isArray(each) ? each.map(inner) : isJsonObject(each) ? small(each) : each;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.slice(0, 1).toLowerCase() + key.slice(1),
      inner(member),
    ]),
  );
}

const textsIn = (value: Json): string[] =>
  typeof value === 'string'
    ? [value]
    : Array.isArray(value)
      ? value.flatMap(textsIn)
      : isJsonObject(value)
        ? Object.values(value).flatMap(textsIn)
        : [];

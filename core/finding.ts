/**
 * One normalised Finding from every published shape.
 * Contract; `parseFinding` below is the only way in.
 */
import type { Scope } from './arn.ts';
import type { JsonObject } from './json.ts';

export type SeverityLabel = 'low' | 'medium' | 'high' | 'critical';

/** Where the other side of the activity was. Strings are untrusted. */
export interface RemoteParty {
  readonly ip?: string;
  readonly country?: string;
  readonly city?: string;
  readonly organisation?: string;
  readonly port?: number;
  /** Account of the caller, for `.InsideAWS` findings (awsApiCallAction.remoteAccountDetails) [M]. */
  readonly account?: string;
  /** True when GuardDuty says the account belongs to the same organisation or detector (`affiliated`) [M]. */
  readonly affiliated?: boolean;
}

export interface FindingAction {
  /** AWS_API_CALL | NETWORK_CONNECTION | DNS_REQUEST | PORT_PROBE | ... as GuardDuty writes it. */
  readonly kind: string;
  readonly api?: string;
  readonly service?: string;
  readonly domain?: string;
  readonly direction?: string;
  readonly protocol?: string;
  readonly blocked?: boolean;
  readonly localPort?: number;
  readonly remote: readonly RemoteParty[];
}

export interface InstanceResource {
  readonly instanceId: string;
  readonly privateIps: readonly string[];
  readonly publicIps: readonly string[];
  readonly vpcId?: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  readonly networkInterfaceIds: readonly string[];
  readonly instanceProfileArn?: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface AccessKeyResource {
  readonly accessKeyId?: string;
  /** `AROA...:session` for an assumed role, `AIDA...` for a user, an account id for root. */
  readonly principalId?: string;
  /** IAMUser | AssumedRole | Role | FederatedUser | Root | AWSAccount | ... as GuardDuty writes it. */
  readonly userType?: string;
  /** The role's or user's name. */
  readonly userName?: string;
}

export interface Finding extends Scope {
  readonly id: string;
  /** As published, e.g. `UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS`. */
  readonly type: string;
  /** The part before the colon: `UnauthorizedAccess`. */
  readonly purpose: string;
  /** Between colon and slash: `IAMUser`, `EC2`, `S3`, `Kubernetes`, `Runtime`, ... */
  readonly family: string;
  readonly severity: number;
  readonly label: SeverityLabel;
  readonly arn?: string;
  readonly detectorId?: string;
  readonly title: string;
  readonly description: string;
  /** ISO 8601 UTC. */
  readonly createdAt?: string;
  readonly updatedAt: string;
  readonly firstSeen?: string;
  readonly lastSeen?: string;
  readonly count: number;
  readonly archived: boolean;
  readonly sample: boolean;
  /** resource.resourceType as written (`Instance`, `AccessKey`, ...); absent in some published findings. */
  readonly resourceType?: string;
  readonly resourceRole?: 'TARGET' | 'ACTOR';
  readonly instance?: InstanceResource;
  readonly accessKey?: AccessKeyResource;
  readonly action?: FindingAction;
  readonly threatLists: readonly string[];
  /** The whole finding with camelCase keys, for pages and for playbooks that need more. Untrusted. */
  readonly detail: JsonObject;
}

/** A place where the scenarios of scenarios.test.ts can play: the account twin, or moto, an independent AWS emulator. */
import type { Scope } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';

export interface Wanted {
  /** Interfaces of each instance. */
  readonly enis?: number;
  /** Its subnet's default route goes through a NAT gateway; otherwise through an internet gateway. */
  readonly behindNat?: boolean;
  /** Groups on each interface. */
  readonly securityGroups?: number;
  /** Volumes of each instance, the root volume included. */
  readonly volumes?: number;
  /** Name of the role in the instance profile. */
  readonly role?: string;
  /** How many instances share all this. */
  readonly count?: number;
  /** They belong to an Auto Scaling group of this size, which serves a target group where asked. */
  readonly asg?: { readonly min: number; readonly max: number; readonly targetGroup?: boolean };
}

export interface Made {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly securityGroupIds: readonly string[];
  readonly instanceIds: readonly string[];
  /** Interfaces of the first instance. */
  readonly eniIds: readonly string[];
  readonly natGatewayId?: string;
  /** Network ACL of the NAT gateway's subnet, with the tag that lets Firebreak use it. */
  readonly natAclId?: string;
  readonly roleName?: string;
  /** `AROA...`: the first part of the principal id in a finding. */
  readonly roleId?: string;
  readonly asgName?: string;
  readonly targetGroupArn?: string;
}

export interface Stage {
  readonly name: 'twin' | 'moto';
  readonly scope: Scope;
  /** What the playbooks get, and what the scenarios read results through. */
  aws(): Aws;
  reset(): Promise<void>;
  instance(wanted: Wanted): Promise<Made>;
  /** Undefined when the stage models it, otherwise what is missing. */
  lacks(what: Capability): string | undefined;
  stop(): Promise<void>;
}

/** What one of the stages may not model. */
export type Capability =
  | 'policy-evaluation'
  | 'untracked-flows'
  | 'snapshot-set'
  | 'default-egress-rule'
  | 'replaces-groups';

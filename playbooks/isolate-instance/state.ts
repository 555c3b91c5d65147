/** Live state of one instance, as `read` gives it and `plan` takes it. JSON: it is stored with the incident. */
import { z } from 'zod';
import { hostSchema } from './hosts.ts';

/** A route or device on which AWS always tracks connections: the change of security groups does not cut these. */
const trackedPath = z.object({
  kind: z.enum([
    'nat-gateway',
    'transit-gateway',
    'core-network',
    'egress-only-internet-gateway',
    'firewall-endpoint',
    'interface-endpoint',
    'network-load-balancer',
    'gateway-load-balancer',
  ]),
  id: z.string(),
});

const networkInterface = z.object({
  id: z.string(),
  subnetId: z.string(),
  type: z.string(),
  groups: z.array(z.object({ id: z.string(), name: z.string() })),
  publicIp: z.string().nullable(),
  ipv6: z.boolean(),
  /** Why AWS refuses to change its security groups; null when it does not. */
  unmodifiable: z.string().nullable(),
});

const volume = z.object({
  id: z.string(),
  device: z.string(),
  deleteOnTermination: z.boolean(),
  /** Cases (value of the tag `firebreak:case`) of which a snapshot of this volume exists. */
  snapshotCases: z.array(z.string()),
});

const autoScaling = z.object({
  group: z.string(),
  arn: z.string(),
  lifecycle: z.string(),
  min: z.number(),
  max: z.number(),
  desired: z.number(),
  healthCheckType: z.string(),
  targetGroupArns: z.array(z.string()),
});

const registration = z.object({
  targetGroupArn: z.string(),
  targetGroupName: z.string(),
  protocol: z.string(),
  /** The instance id, or one of its addresses in a group of target type `ip`. */
  id: z.string(),
  port: z.number().nullable(),
  availabilityZone: z.string().nullable(),
  health: z.string(),
  /** Healthy targets of the same group next to this instance. */
  otherHealthy: z.number(),
});

/** A NAT gateway on the instance's routes, and what a deny in front of it needs. */
const natDenial = z.object({
  natGateway: z.string(),
  subnetId: z.string().nullable(),
  acl: z.string().nullable(),
  /** The ACL carries the tag that lets Firebreak change it. */
  tagged: z.boolean(),
  /** The instance is in the gateway's own subnet. */
  inside: z.boolean(),
  /** Private addresses of the instance that reach it. */
  ips: z.array(z.string()),
});

export const instanceState = z.object({
  instance: z.object({
    id: z.string(),
    state: z.string(),
    vpcId: z.string(),
    imageId: z.string(),
    spot: z.boolean(),
    rootDeviceType: z.string(),
    profileArn: z.string().nullable(),
    /** Service that manages the instance for the customer (EKS Auto Mode, ...). */
    operator: z.string().nullable(),
    tags: z.record(z.string(), z.string()),
  }),
  terminationProtection: z.boolean(),
  shutdownBehaviour: z.string(),
  interfaces: z.array(networkInterface),
  volumes: z.array(volume),
  autoScaling: autoScaling.nullable(),
  registrations: z.array(registration),
  trackedPaths: z.array(trackedPath),
  /** Read only where policy.yml says `natNetworkAcl: true`. */
  natDenials: z.array(natDenial).default([]),
  /** Why the traffic of others goes through it: routes that name it, a source/destination check that is off. */
  forwards: z.array(z.string()).default([]),
  /** Who may ask the instance for names (port 53): read where the finding is a DNS request. */
  resolvesFor: z.array(z.string()).default([]),
  /** What the instance carries for others; earlier releases knew its tags only. */
  hosts: z.array(hostSchema).default([]),
  /** Ids of Firebreak's groups in this VPC, null where there is none yet. */
  groups: z.object({ transit: z.string().nullable(), quarantine: z.string().nullable() }),
});

export type InstanceState = z.infer<typeof instanceState>;
export type NetworkInterfaceState = z.infer<typeof networkInterface>;
export type NatDenial = z.infer<typeof natDenial>;
export type TrackedPath = z.infer<typeof trackedPath>;
export type AutoScalingState = z.infer<typeof autoScaling>;
export type Registration = z.infer<typeof registration>;

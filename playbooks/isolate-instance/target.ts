/** Which findings isolation answers, and which instance they name. Pure: the finding alone. */
import { z } from 'zod';
import { specialRange } from '../../core/addresses.ts';
import { arn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';

/**
 * Finding types that show an instance acting for someone else. `Recon:EC2/PortProbe*` is left out: the instance is
 * only looked at, so the channel is notified.
 */
export const HANDLES: readonly string[] = [
  'Backdoor:EC2/*',
  'Trojan:EC2/*',
  'CryptoCurrency:EC2/*',
  'UnauthorizedAccess:EC2/*',
  'Impact:EC2/*',
  'Behavior:EC2/*',
  'DefenseEvasion:EC2/*',
  // Not those that end in !AMI, !Snapshot or !RecoveryPoint: nothing runs there.
  'Execution:EC2/*File',
  'Execution:EC2/*File.*',
  'Canary:EC2/*',
  'Recon:EC2/Portscan',
  // Runtime Monitoring and malware scans see EC2, EKS nodes and ECS tasks. A task or a pod is the narrower target and comes
  // first; what carries an instance and neither of them ends here.
  '*:Runtime/*',
  'Execution:Container/*',
  'Execution:ECS/*',
  'Execution:Kubernetes/MaliciousFile',
  'Execution:Kubernetes/SuspiciousFile',
];

/** Types in which resourceRole TARGET means: someone on the internet knocks, as they do at every address. */
const NOISE_AT_TARGET = /BruteForce|PortProbe|Portscan|PortSweep/;

const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;

/**
 * A target found by looking (a follow-up) has none of these; neither has one of an earlier release that the fields are
 * newer than.
 */
export const instanceFacts = z.object({
  remoteIps: z.exactOptional(z.array(z.string())),
  vpcId: z.exactOptional(z.string().nullable()),
  imageId: z.exactOptional(z.string().nullable()),
  interfaces: z.exactOptional(z.array(z.string())),
  privateIps: z.exactOptional(z.array(z.string())),
  publicIps: z.exactOptional(z.array(z.string())),
  instanceProfile: z.exactOptional(z.string().nullable()),
  /** When GuardDuty first saw the activity, ISO 8601. */
  firstSeen: z.exactOptional(z.string().nullable()),
  /** The activity is a DNS request, which the instance may only have passed on. */
  dnsRequest: z.exactOptional(z.boolean()),
  /** The name that was asked for, where the finding says it. */
  domain: z.exactOptional(z.string().nullable()),
  /** Source address of that request where it is not the instance's. */
  otherSource: z.exactOptional(z.string().nullable()),
  /** Why it may not be the instance of the stolen session. */
  doubt: z.exactOptional(z.string()),
});
export type InstanceFacts = z.infer<typeof instanceFacts>;

/** The instance to isolate, or why the finding names none. */
export function targetOf(finding: Finding): TargetChoice<InstanceFacts> {
  const { instance, partition, account, region } = finding;
  if (!instance) return no('the finding does not name an EC2 instance');
  if (!INSTANCE_ID.test(instance.instanceId)) {
    return no(`"${instance.instanceId.slice(0, 40)}" is no EC2 instance id`);
  }
  if (finding.resourceRole === 'TARGET' && NOISE_AT_TARGET.test(finding.type)) {
    const ip = insideAttacker(finding);
    if (ip === undefined) return no('the instance is the target of noise, not the actor');
    const sought = `the instance with ${ip} near ${instance.instanceId}`;
    return { ok: false, reason: `${ip} is a host inside, whose instance has to be looked for`, sought };
  }
  const scope = { partition, account, region };
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'ec2-instance',
      id: instance.instanceId,
      display: arn(scope, 'ec2', `instance/${instance.instanceId}`),
      facts: {
        remoteIps: [...new Set((finding.action?.remote ?? []).flatMap(({ ip }) => (ip ? [ip] : [])))],
        vpcId: instance.vpcId ?? null,
        imageId: instance.imageId ?? null,
        interfaces: [...instance.networkInterfaceIds],
        privateIps: [...instance.privateIps],
        publicIps: [...instance.publicIps],
        instanceProfile: instance.instanceProfileArn ?? null,
        firstSeen: finding.firstSeen ?? finding.createdAt ?? null,
        dnsRequest: asksDns(finding),
        domain: domainOf(finding),
        otherSource: otherSource(finding),
      },
    },
  };
}

/** The address of who attacks the instance of the finding from inside: private, so it is no one's on the internet. */
export function insideAttacker({ resourceRole, type, action }: Finding): string | undefined {
  if (resourceRole !== 'TARGET' || !NOISE_AT_TARGET.test(type)) return undefined;
  const ips = (action?.remote ?? []).flatMap(({ ip }) => ip ?? []);
  return ips.every((ip) => specialRange(ip) !== undefined) ? ips[0] : undefined;
}

/** Types about what was asked of a resolver; `UnusualDNSResolver` and its like are connections. */
const DNS_TYPES = /!DNS$|DomainRequest|DNSDataExfiltration|DNSRebind/;

/** The activity is a DNS request, which the instance may only have passed on. */
const asksDns = ({ type, action }: Finding): boolean =>
  DNS_TYPES.test(type) || action?.kind === 'DNS_REQUEST';

/** In lower case, without the last dot. */
const domainOf = ({ action }: Finding): string | null =>
  action?.domain?.toLowerCase().replace(/\.$/, '') || null;

/** The source address of a DNS request where the finding names one that is not the instance's. */
function otherSource(finding: Finding): string | null {
  const source = finding.action?.localIp;
  if (!asksDns(finding) || source === undefined || !finding.instance) return null;
  const { privateIps, publicIps } = finding.instance;
  return privateIps.length === 0 || [...privateIps, ...publicIps].includes(source) ? null : source;
}

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });

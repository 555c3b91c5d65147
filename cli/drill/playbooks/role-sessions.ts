/** A session of a role in a thief's hands: of an instance, by its name, and of any other caller. */
import { CreateRoleCommand } from '@aws-sdk/client-iam';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName, isAccessDenied } from '../../../core/errors.ts';
import { PATH } from '../made/kind.ts';
import {
  assume,
  callOf,
  isRefused,
  makeBucket,
  makeRole,
  objectArn,
  type Role,
  readsIt,
  roleState,
  tagOf,
  trustOf,
} from '../parts.ts';
import type { Drill, Fact, Kit, Scene } from '../scene.ts';

interface Theft {
  readonly part: string;
  readonly type: string;
  /** Name of the stolen session. */
  readonly session: string;
  /** Facts that any role can show. */
  readonly more?: (kit: Kit, role: Role) => Promise<readonly Fact[]>;
}

async function stolen(kit: Kit, { part, type, session, more }: Theft): Promise<Scene> {
  const bucket = await makeBucket(kit, `${part}-data`);
  const role = await makeRole(kit, part);
  const credentials = await assume(kit, role, session);
  const thief = kit.as(credentials);
  return {
    finding: {
      ...{ type, severity: 8, resourceRole: 'TARGET' },
      resource: {
        resourceType: 'AccessKey',
        accessKeyDetails: {
          ...{ accessKeyId: credentials.accessKeyId, principalId: `${role.roleId}:${session}` },
          ...{ userType: 'AssumedRole', userName: role.name },
        },
      },
      action: callOf('GetObject', 's3.amazonaws.com'),
    },
    attack: () => readsIt(kit, thief, bucket),
    holds: () => isRefused(thief, bucket),
    works: async () => !(await isRefused(thief, bucket)),
    state: () => roleState(kit, role),
    facts: [
      async () => [await simulatedKeys(kit, role, session, bucket)],
      async () => [await identityOf(thief)],
      ...(more ? [() => more(kit, role)] : []),
    ],
  };
}

/** The simulator must tell the denied session from another one by nothing but the entry. */
async function simulatedKeys(kit: Kit, role: Role, session: string, bucket: string): Promise<Fact> {
  const { client, api } = await kit.aws.iam();
  const decisionFor = async (name: string): Promise<string> => {
    const { EvaluationResults: [result] = [] } = await client.send(
      new api.SimulatePrincipalPolicyCommand({
        PolicySourceArn: role.arn,
        ActionNames: ['s3:GetObject'],
        ResourceArns: [objectArn(kit, bucket)],
        ContextEntries: [
          {
            ContextKeyName: 'aws:userid',
            ContextKeyValues: [`${role.roleId}:${name}`],
            ContextKeyType: 'string',
          },
        ],
      }),
    );
    return result?.EvalDecision ?? 'no result';
  };
  const [thief, other] = [await decisionFor(session), await decisionFor('another')];
  return {
    id: 'simulated-global-keys',
    verdict: thief === 'explicitDeny' && other === 'allowed' ? 'confirmed' : 'refuted',
    saw: `the simulator answered ${thief} for the stolen session and ${other} for another`,
  };
}

/** A session that is denied everything still learns who it is. */
async function identityOf(thief: Aws): Promise<Fact> {
  const { client, api } = await thief.sts();
  try {
    await client.send(new api.GetCallerIdentityCommand({}));
    return {
      id: 'caller-identity',
      verdict: 'confirmed',
      saw: 'sts:GetCallerIdentity answered under the deny',
    };
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return {
      id: 'caller-identity',
      verdict: 'refuted',
      saw: 'sts:GetCallerIdentity was refused under the deny',
    };
  }
}

/** Names that IAM keeps for itself, and that differ in case alone. What is made against that is removed with the rest. */
async function refusedNames(kit: Kit, role: Role): Promise<readonly Fact[]> {
  const { client } = await kit.aws.iam();
  const create = async (RoleName: string, Path: string): Promise<string> => {
    try {
      const AssumeRolePolicyDocument = trustOf(kit);
      await kit.make('role', RoleName, () =>
        client.send(new CreateRoleCommand({ RoleName, Path, Tags: tagOf(kit), AssumeRolePolicyDocument })),
      );
      return 'made';
    } catch (error) {
      return awsErrorName(error) ?? 'an error without a name';
    }
  };
  const paths = [
    await create(kit.name('service'), '/aws-service-role/drill.amazonaws.com/'),
    await create(kit.name('reserved'), '/aws-reserved/drill/'),
  ];
  const spelled = await create(role.name.toUpperCase(), PATH);
  return [
    {
      id: 'reserved-paths',
      verdict: paths.includes('made') ? 'refuted' : 'confirmed',
      saw: `CreateRole under the reserved paths: ${paths.join(', ')}`,
    },
    {
      id: 'names-without-case',
      verdict: spelled === 'EntityAlreadyExistsException' ? 'confirmed' : 'refuted',
      saw: `CreateRole with the name in upper case: ${spelled}`,
    },
  ];
}

const SESSION_FACTS = ['caller-identity', 'simulated-global-keys'];

const ROLE = {
  makes: 'a role that only you may assume, a bucket with one object',
  probe: 'reads the object with the stolen session',
  cost: { usd: 0.01, why: 'requests to S3' },
  minutes: 3,
} as const;

export const revokeInstanceSession: Drill = {
  ...ROLE,
  playbook: 'revoke-instance-session',
  settles: SESSION_FACTS,
  attack:
    'reads an object with a session that bears the name of an instance, as stolen credentials of the instance do',
  play: (kit) =>
    stolen(kit, {
      part: 'instance-role',
      type: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
      // Of no instance: the drill's own id in the form of one.
      session: `i-${kit.id.padStart(17, '0')}`,
    }),
};

export const revokeRoleSessions: Drill = {
  ...ROLE,
  playbook: 'revoke-role-sessions',
  settles: [...SESSION_FACTS, 'reserved-paths', 'names-without-case'],
  attack: 'reads an object with a session of the role',
  play: (kit) =>
    stolen(kit, {
      part: 'role',
      type: 'Discovery:IAMUser/AnomalousBehavior',
      session: 'stolen',
      more: refusedNames,
    }),
};

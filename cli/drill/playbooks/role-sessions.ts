/** A session of a role in a thief's hands: of an instance, by its name, and of any other caller. */
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
} from '../parts.ts';
import type { Drill, Fact, Kit, Scene } from '../scene.ts';

interface Theft {
  readonly part: string;
  readonly type: string;
  /** Name of the stolen session. */
  readonly session: string;
}

async function stolen(kit: Kit, { part, type, session }: Theft): Promise<Scene> {
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
    facts: async () => [await simulatedKeys(kit, role, session, bucket)],
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

const ROLE = {
  makes: 'a role that only you may assume, a bucket with one object',
  probe: 'reads the object with the stolen session',
  cost: { usd: 0.01, why: 'requests to S3' },
  minutes: 3,
  settles: ['simulated-global-keys'],
} as const;

export const revokeInstanceSession: Drill = {
  ...ROLE,
  playbook: 'revoke-instance-session',
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
  attack: 'reads an object with a session of the role',
  play: (kit) =>
    stolen(kit, {
      part: 'role',
      type: 'Discovery:IAMUser/AnomalousBehavior',
      session: 'stolen',
    }),
};

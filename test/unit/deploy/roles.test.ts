import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Playbook } from '../../../core/playbook.ts';
import { FUNCTIONS } from '../../../deploy/access.ts';
import { memberAccount, stackRoles } from '../../../deploy/roles.ts';
import { pascal, substitute } from '../../../deploy/statements.ts';
import { PLAYBOOKS } from '../../../playbooks/index.ts';

const statement = z.object({
  Sid: z.string(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: z.array(z.string()),
  Resource: z.array(z.unknown()),
});
const template = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Properties: z.object({
        Policies: z.array(z.object({ PolicyDocument: z.object({ Statement: z.array(statement) }) })),
      }),
    }),
  ),
});
const statementsOf = (roles: object) =>
  Object.fromEntries(
    Object.entries(template.parse(roles).Resources).map(([id, { Properties }]) => [
      id,
      Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
    ]),
  );
const allowed = (role: readonly z.infer<typeof statement>[] = []) =>
  role.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action);

const roles = statementsOf(await stackRoles(PLAYBOOKS));
const writes = PLAYBOOKS.flatMap(({ permissions }) => permissions.write.flatMap(({ actions }) => actions));
const reads = PLAYBOOKS.flatMap(({ permissions }) => permissions.read.flatMap(({ actions }) => actions));

describe('the roles of the stack', () => {
  it.each(FUNCTIONS)('gives $name exactly the playbook rights it is meant to have ($playbooks)', (access) => {
    const role = roles[`${pascal(access.name)}Role`];
    const own = allowed(role);
    const base = access.base.flatMap(({ actions }) => actions);
    const onlyWrites = writes.filter((action) => !reads.includes(action) && !base.includes(action));
    if (access.playbooks === 'write') expect(own).toEqual(expect.arrayContaining(onlyWrites));
    else expect(own.filter((action) => onlyWrites.includes(action))).toEqual([]);
    if (access.playbooks === 'none') expect(own).not.toContain('sts:AssumeRole');
    else expect(own).toEqual(expect.arrayContaining([...reads, 'sts:AssumeRole']));
  });

  it('denies every function that changes resources the roles of Firebreak and of AWS', () => {
    for (const { name, playbooks } of FUNCTIONS) {
      const denied = (roles[`${pascal(name)}Role`] ?? []).filter(({ Effect }) => Effect === 'Deny');
      expect(denied.length > 0, name).toBe(playbooks === 'write');
      if (playbooks === 'write') {
        expect(JSON.stringify(denied)).toContain('role/firebreak/*');
        expect(denied.flatMap(({ Action }) => Action)).toContain('iam:Put*');
      }
    }
  });

  it('allows no wildcard of actions', () => {
    for (const [id, role] of Object.entries(roles)) {
      expect(
        allowed(role).filter((action) => /^\*|:\*$/.test(action)),
        id,
      ).toEqual([]);
    }
  });

  it('fits the 10,240 characters that IAM allows for the inline policies of a role', () => {
    for (const [id, role] of Object.entries({ ...roles, ...statementsOf(memberAccount(PLAYBOOKS)) })) {
      // The placeholders are about as long as what they stand for; white space does not count.
      const text = JSON.stringify(role).replaceAll(/\{"Fn::Sub":("[^"]*")\}/g, '$1');
      expect(text.length, id).toBeLessThan(10_240);
    }
  });

  it('lets each state machine invoke the functions of its own definition only', () => {
    const invoked = (id: string) =>
      JSON.stringify(roles[id])
        .match(/(?<=sls:stage\}-)[a-z-]+/g)
        ?.sort();
    expect(invoked('RespondStateMachineRole')).toEqual(
      ['classify', 'contain', 'enrich', 'investigate', 'report', 'request-approval', 'verify'].sort(),
    );
    expect(invoked('UndoStateMachineRole')).toEqual(['report', 'request-approval', 'undo'].sort());
  });

  it('puts a new right of a playbook into the roles that need it, and nowhere else', async () => {
    const [playbook] = PLAYBOOKS;
    if (!playbook) throw new Error('there is no playbook');
    const extended: Playbook = {
      ...playbook,
      permissions: {
        ...playbook.permissions,
        write: [
          {
            actions: ['rds:ModifyDBInstance'],
            resources: ['arn:${Partition}:rds:*:${Account}:db:*'],
            why: 'test',
          },
        ],
      },
    };
    const having = Object.entries(statementsOf(await stackRoles([extended])))
      .filter(([, role]) => allowed(role).includes('rds:ModifyDBInstance'))
      .map(([id]) => id);
    expect(having.sort()).toEqual(['ContainRole', 'SweepRole', 'UndoRole']);
  });
});

describe('substitute', () => {
  it('turns placeholders into pseudo parameters', () => {
    expect(substitute('arn:${Partition}:iam::${Account}:role/*')).toEqual({
      'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*',
    });
  });
  it('leaves IAM policy variables to IAM', () => {
    expect(substitute('${aws:username}')).toBe('${aws:username}');
    expect(substitute('arn:${Partition}:x:${aws:username}')).toEqual({
      'Fn::Sub': 'arn:${AWS::Partition}:x:${!aws:username}',
    });
  });
  it('refuses a placeholder it does not know', () => {
    expect(() => substitute('arn:${Partitoin}:x')).toThrow('Partitoin');
  });
});

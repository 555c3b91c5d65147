/** Plays one finding against a stage through the playbook and the journal, as the workflow's tasks do. */
import type { Aws } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { type ContainResult, contain, contextFor, type JournalRun } from '../../core/journal/journal.ts';
import type { Part, Plan, PlannedStep, Proof } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Table } from '../../core/table/table.ts';
import { choosePlaybook } from '../../playbooks/index.ts';
import { type UndoEnd, undoToEnd } from '../playbooks/undo-to-end.ts';
import type { Stage } from './stage.ts';

export interface Play {
  readonly plan: Extract<Plan, { kind: 'plan' }>;
  contain(steps?: readonly PlannedStep[], aws?: Aws): Promise<ContainResult>;
  verify(result: ContainResult): Promise<Proof>;
  undo(): Promise<UndoEnd>;
}

/** Reads and plans. `settings` are those of the playbook in policy.yml; `located` is what a follow-up's look-up found. */
export async function play(
  stage: Stage,
  table: Table,
  incidentId: string,
  finding: JsonObject,
  settings: JsonObject = {},
  located?: Part,
): Promise<Play> {
  const { playbook, target } = located ?? firstPart(finding);
  const state = await playbook.read(target, stage.aws(), settings);
  const plan = playbook.plan(state, target, {
    caseId: incidentId,
    now: new Date(),
    settings,
    protectedArns: [],
    approved: false,
  });
  if (plan.kind === 'refused') throw new Error(`refused: ${plan.reason}`);
  const run = (aws: Aws): JournalRun => ({
    ...{ table, target, playbook, incidentId, aws, settings, now: () => new Date() },
  });
  return {
    plan,
    contain: (steps = plan.steps, aws = stage.aws()) => contain(run(aws), steps),
    verify: ({ caseId, steps }) => playbook.verify(contextFor(run(stage.aws()), caseId, steps), steps),
    undo: () => undoToEnd(run(stage.aws())),
  };
}

function firstPart(finding: JsonObject): Part {
  const choice = choosePlaybook(parseFinding(finding));
  if ('none' in choice) throw new Error(`no playbook: ${choice.none}`);
  const [part] = choice.parts;
  if (part) return part;
  throw new Error('a choice without parts');
}

export class Killed extends Error {}

/** AWS for a handler that is killed right after its `count`th call of the operation took effect. */
export function killedAfter(aws: Aws, operation: string, count: number): Aws {
  let left = count;
  return {
    ...aws,
    async ec2() {
      const { client, api } = await aws.ec2();
      const dying = new Proxy(client, {
        get(real, property) {
          if (property !== 'send') return Reflect.get(real, property);
          return async (command: object) => {
            if (left === 0) throw new Killed();
            const answer: unknown = await Reflect.apply(real.send, real, [command]);
            if (command.constructor.name === `${operation}Command`) left -= 1;
            if (left === 0) throw new Killed();
            return answer;
          };
        },
      });
      return { client: dying, api };
    },
  };
}

/** An instance that talks to an address on a threat list. */
export const maliciousCaller = ({ scope }: Stage, instanceId: string): JsonObject => ({
  ...envelope({ scope }, 'UnauthorizedAccess:EC2/MaliciousIPCaller.Custom'),
  resource: { resourceType: 'Instance', instanceDetails: { instanceId } },
});

/** The session of an instance, used from outside AWS. */
export const stolenSession = (
  { scope }: Stage,
  session: { instanceId: string; roleName: string; roleId: string },
): JsonObject => ({
  ...envelope({ scope }, 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS'),
  resource: {
    resourceType: 'AccessKey',
    accessKeyDetails: {
      accessKeyId: 'ASIAEXAMPLE000000000',
      principalId: `${session.roleId}:${session.instanceId}`,
      userName: session.roleName,
      userType: 'AssumedRole',
    },
  },
});

const envelope = ({ scope }: Pick<Stage, 'scope'>, type: string): JsonObject => ({
  schemaVersion: '2.0',
  accountId: scope.account,
  region: scope.region,
  partition: scope.partition,
  id: `finding-${type.replace(/\W/g, '').toLowerCase()}`,
  arn: `arn:${scope.partition}:guardduty:${scope.region}:${scope.account}:detector/d/finding/f`,
  type,
  severity: 8,
  createdAt: '2026-11-24T03:00:00.000Z',
  updatedAt: '2026-11-24T03:00:00.000Z',
  title: type,
  description: type,
  service: { serviceName: 'guardduty', count: 1, archived: false, resourceRole: 'ACTOR' },
});

/** The principal that started a miner starts it again: contain the principal first, then what else it launched, in every Region. */
import type { Aws } from '../../core/aws/client.ts';
import { type Finding, instanceNamed } from '../../core/finding/finding.ts';
import { defineComposite, type Expansion, type Part } from '../../core/journal/playbook.ts';
import { principalPart } from '../common/principal/principal-part.ts';
import { isolateInstance } from '../isolate-instance/playbook.ts';
import { launchOf } from './launch.ts';
import { type LaunchedInstance, launchedBy } from './launched.ts';

/** The principal and this many instances; more than that on one card is more than a person can judge at 3 a.m. */
const MOST_INSTANCES = 9;

export const stopLauncher = defineComposite({
  id: 'stop-launcher',
  title: 'Contain the principal that launched a miner, and what else they launched',
  about: `
Asked once a miner is stopped. CloudTrail's event history (90 days, no trail needed) tells who launched the instance
(RunInstances) or deployed the function (CreateFunction, UpdateFunctionCode [M-LAB]); for an instance that an Auto Scaling
group launched, who created the group. That principal is the first target. Then its calls since a day before the launch are
looked up in every enabled Region, and each instance that it launched there and that still exists is a target as well.

Named on the card, for a person: Auto Scaling groups, spot fleets, tasks, jobs, notebooks and functions that it started,
Regions that could not be looked into, and instances beyond ${MOST_INSTANCES}. Groups are not set to zero by Firebreak.

**No one is asked** where CloudTrail does not show the launch, or IAM cannot contain the principal: the incident
of the miner says why, and stays \`residual\`. Who started an ECS task or a Kubernetes pod is not looked up.
`.trim(),
  handles: [],
  reads: [
    {
      // LookupEvents and the describe calls have no resource level.
      actions: ['cloudtrail:LookupEvents', 'ec2:DescribeInstances', 'ec2:DescribeRegions'],
      resources: ['*'],
      why: 'who launched what mines, and what else they launched in any Region',
    },
  ],
  expand: () => ({ ok: false, reason: 'who launched it is in CloudTrail, not in the finding' }),
  locate,
});

async function locate(finding: Finding, aws: Aws): Promise<Expansion> {
  const launch = await launchOf(finding, aws);
  if ('why' in launch) return { ok: false, reason: launch.why };
  const principal = principalPart({ ...finding, accessKey: launch.by });
  const { instances, left } = await launchedBy(launch, finding, aws);
  const others = instances.filter(({ instanceId }) => instanceId !== finding.instance?.instanceId);
  const parts = [
    ...(principal.ok ? [principal.part] : []),
    ...others.slice(0, MOST_INSTANCES).flatMap((one) => instancePart(finding, one)),
  ];
  if (!principal.ok && parts.length === 0)
    return {
      ok: false,
      reason: `${launch.what} was launched (${launch.call}) by another kind of principal: ${principal.reason}`,
    };
  return {
    ok: true,
    parts,
    unhandled: [
      ...(principal.ok
        ? []
        : [`the principal that launched ${launch.what} (${launch.call}): ${principal.reason}`]),
      ...left,
      ...others
        .slice(MOST_INSTANCES)
        .map(({ instanceId, region }) => `${instanceId} in ${region}: more than ${MOST_INSTANCES} instances`),
    ],
    ...(principal.ok
      ? {}
      : { residual: ['the principal that launched them is not contained and can launch more'] }),
  };
}

function instancePart(finding: Finding, { region, instanceId }: LaunchedInstance): Part[] {
  const { resourceRole: _role, action: _action, ...rest } = finding;
  const choice = isolateInstance.targetOf({
    ...rest,
    region,
    instance: instanceNamed(instanceId),
  });
  return choice.ok ? [{ playbook: isolateInstance, target: choice.target }] : [];
}

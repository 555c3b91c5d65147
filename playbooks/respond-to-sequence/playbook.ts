/** An attack sequence names many resources: one incident and one card, a plan, a status and an undo for each of them. */
import type { Finding } from '../../core/finding/finding.ts';
import { defineComposite, type Expansion, type Part, resourceKey } from '../../core/journal/playbook.ts';
import { actorOutcomes } from './actors.ts';
import { resourceOutcomes } from './resources.ts';
import { safely, sequenceOf } from './sequence.ts';

/** More targets than this on one card is more than a person can judge at 3 a.m.; the rest is named. */
const MOST_PARTS = 10;

/** Who can do something comes before what runs, and that before what is stored. */
const ORDER: readonly string[] = [
  ...['iam-user', 'sso-session', 'role-session'],
  ...['eks-identity', 'eks-service-account', 'eks-anonymous', 'eks-node'],
  ...['ec2-instance', 'ecs-task', 'eks-pod', 'eks-workload'],
  ...['s3-bucket', 's3-object'],
];

export const respondToSequence = defineComposite({
  id: 'respond-to-sequence',
  title: 'Answer an attack sequence, target by target',
  about: `
Extended Threat Detection tells a sequence with its actors and resources in \`service.detection.sequence\`; the finding's own
\`resource\` says nothing. Every actor and resource that a playbook contains becomes a target of its own: identities first,
then what runs, then what is stored. Targets that another incident contained already are joined.

| the sequence names | contained by |
|---|---|
| an IAM user or its key | \`disable-user-keys\` |
| a session of an instance's role (\`AROA...:i-...\`) | \`revoke-instance-session\` |
| another session of a role, one of Identity Center | \`revoke-role-sessions\`, \`revoke-sso-sessions\` |
| an actor that is a Kubernetes user (\`system:...\`); an IAM actor that a signal shows in a cluster | \`contain-kubernetes-identity\`; for the latter as well: a deny in IAM does not reach into a cluster |
| \`EC2_INSTANCE\`, \`EC2_NETWORK_INTERFACE\` of one, and compromised instances that an instance profile, Auto Scaling group, launch template, image, stack or VPC lists | \`isolate-instance\` |
| \`ECS_TASK\` | \`stop-task\` |
| \`KUBERNETES_WORKLOAD\` | \`quarantine-pod\` |
| \`S3_BUCKET\` that is public | \`block-public-bucket\` |
| \`S3_OBJECT\` that a signal of a malware scan names | \`quarantine-object\` |

The cluster of a workload or Kubernetes user is the \`EKS_CLUSTER\` that a signal names next to it, or the only one of the sequence
[M]; where neither tells it, a person is notified. A container is contained with its task or pod.

Data that the attacker reached is contained by containing who reached it: a bucket that is not public and an object that is
not malicious are not changed. What instances have in common (group, template, VPC, image, stack), resources of Bedrock and
SageMaker, and every other type are named on the card with what a person does, and so is everything beyond ${MOST_PARTS} targets.
A part of the sequence of a shape that no one expects is named too, and the rest is contained.

What a target's plan asks for in addition (the role of a pod, its node, the service of a task) a person is asked about as well, for
all targets that ask for it at once.
`.trim(),
  handles: ['AttackSequence:*'],
  expand: expandSequence,
});

function expandSequence(finding: Finding): Expansion {
  const sequence = sequenceOf(finding);
  if (!sequence) return { ok: false, reason: 'the finding carries no sequence (service.detection.sequence)' };
  const acted = sequence.actors.flatMap((actor) =>
    safely(`actor ${actor.id}`, () => actorOutcomes(sequence, actor)),
  );
  const outcomes = [
    ...acted,
    ...sequence.resources.flatMap((resource) =>
      safely(`${resource.type} ${resource.name || resource.uid}`, () => resourceOutcomes(sequence, resource)),
    ),
  ];
  const parts = new Map<string, Part>();
  for (const outcome of outcomes) {
    if (!('part' in outcome)) continue;
    const key = resourceKey(outcome.part.target);
    if (!parts.has(key)) parts.set(key, outcome.part);
  }
  const sorted = [...parts.values()].sort((a, b) => rank(a) - rank(b));
  return {
    ok: true,
    parts: sorted.slice(0, MOST_PARTS),
    unhandled: [
      ...new Set([
        ...sequence.unread,
        ...outcomes.flatMap((outcome) => ('unhandled' in outcome ? [outcome.unhandled] : [])),
        ...sorted.slice(MOST_PARTS).map(({ target }) => `${target.display}: more than ${MOST_PARTS} targets`),
      ]),
    ],
    // The principal that acted and is not contained goes on, however well the rest goes.
    residual: [...new Set(acted.flatMap((outcome) => ('unhandled' in outcome ? [outcome.unhandled] : [])))],
  };
}

/** A kind that has no place in the order comes last. */
const rank = ({ target }: Part): number => {
  const place = ORDER.indexOf(target.kind);
  return place < 0 ? ORDER.length : place;
};

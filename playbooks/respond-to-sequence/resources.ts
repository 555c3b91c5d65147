/** What a sequence touched: each resource as the target of the playbook that contains it, or why none does and what a person does. */
import { parseArn } from '../../core/aws/arn.ts';
import { type Finding, instanceNamed } from '../../core/finding/finding.ts';
import { own } from '../../core/json.ts';
import { blockPublicBucket } from '../block-public-bucket/playbook.ts';
import { isolateInstance } from '../isolate-instance/playbook.ts';
import { quarantineObject } from '../quarantine-object/playbook.ts';
import { quarantinePod } from '../quarantine-pod/playbook.ts';
import { stopTask } from '../stop-task/playbook.ts';
import { heldElsewhere, identity, instanceSessions } from './actors.ts';
import { clustersOfWorkload, ecsClusterOf, inCluster } from './clusters.ts';
import {
  chosen,
  dataOf,
  matching,
  type Outcome,
  peek,
  type Sequence,
  type SequenceResource,
  shown,
  textsOf,
  withResource,
} from './sequence.ts';

/**
 * What instances that are compromised have in common, with the member of `data` that lists those (ResourceData of
 * GuardDuty's API) and what a person does. It is not contained itself: whatever else stands on it would go down as well.
 */
const SHARED: Readonly<Record<string, { readonly data: string; readonly advice: string }>> = {
  AUTOSCALING_AUTO_SCALING_GROUP: {
    data: 'autoscalingAutoScalingGroup',
    advice:
      'it starts further instances from the same template: look at the others, and suspend launches if the template is bad',
  },
  EC2_LAUNCH_TEMPLATE: {
    data: 'ec2LaunchTemplate',
    advice: 'look at its versions and user data, and launch nothing from it before that',
  },
  EC2_VPC: { data: 'ec2Vpc', advice: 'look at its flow logs for what the instances reached' },
  EC2_IMAGE: { data: 'ec2Image', advice: 'scan it, and launch nothing from it before that' },
  CLOUDFORMATION_STACK: {
    data: 'cloudformationStack',
    advice: 'look at its change sets and events, and who changed it',
  },
};

/** AI resources have nothing that could be closed without taking the service from everybody. */
const INVOKED = /^(BEDROCK|SAGEMAKER)_/;

export function resourceOutcomes(sequence: Sequence, resource: SequenceResource): readonly Outcome[] {
  const { type, uid, name } = resource;
  const called = shown(`${type} ${name || uid}`);
  switch (type) {
    case 'ACCESS_KEY': {
      const key = dataOf(resource, 'accessKey');
      const id = /^A[KS]IA[A-Z0-9]+$/;
      const named = {
        principalId: key?.optionalText('principalId'),
        userName: key?.optionalText('userName'),
        userType: key?.optionalText('userType'),
        accessKeyId: matching(name, id) ?? matching(uid, id),
      };
      return [heldElsewhere(sequence, named) ?? identity(resource.there, named)];
    }
    case 'EC2_INSTANCE':
      return [instance(resource.there, uid)];
    case 'EC2_NETWORK_INTERFACE':
      return networkInterface(sequence, resource);
    case 'IAM_INSTANCE_PROFILE':
      return instanceProfile(sequence, resource, called);
    case 'ECS_TASK':
      return [
        chosen(
          stopTask,
          withResource(resource.there, {
            ecsClusterDetails: {
              ...ecsClusterOf(sequence, uid),
              taskDetails: { arn: uid.startsWith('arn:') ? uid : name },
            },
          }),
        ),
      ];
    case 'KUBERNETES_WORKLOAD':
      return [workload(sequence, resource, called)];
    case 'CONTAINER': {
      const holder = sequence.resources.some(
        (other) => Object.hasOwn(HOLDERS, other.type) && containersOf(other).includes(uid),
      );
      // It is contained with its task or pod.
      if (holder) return [];
      return [
        {
          unhandled: `${called}: the sequence does not say in which task or pod it runs: find it, and stop or quarantine that`,
        },
      ];
    }
    case 'ECS_CLUSTER':
    case 'EKS_CLUSTER':
      return cluster(sequence, type, called);
    case 'S3_BUCKET':
      return [bucket(resource)];
    case 'S3_OBJECT':
      return [object(sequence, resource)];
    default: {
      const shared = own(SHARED, type);
      if (shared) {
        return [
          ...compromised(sequence, resource, shared.data),
          {
            unhandled: `${called}: it is what the instances have in common and is not changed: ${shared.advice}`,
          },
        ];
      }
      if (INVOKED.test(type)) {
        return [
          {
            unhandled: `${called}: it is not changed: contain who invokes it, and look at its invocations and settings`,
          },
        ];
      }
      return [{ unhandled: `${called}: no playbook for this type of resource: look at it by hand` }];
    }
  }
}

const INSTANCE = /^i-[0-9a-f]{8,17}$/;
const instanceIdOf = (uid: string): string | undefined =>
  matching(parseArn(uid)?.resource.replace(/^instance\//, '') ?? uid, INSTANCE);

function instance(there: Finding, uid: string): Outcome {
  const instanceId = instanceIdOf(uid);
  if (instanceId === undefined)
    return { unhandled: `instance ${shown(uid)}: no instance id: find it, and isolate it` };
  // The sequence is of a type that isolation does not know by name; who plays which part is in its signals.
  const { resourceRole: _role, ...rest } = there;
  return chosen(isolateInstance, { ...rest, instance: instanceNamed(instanceId) });
}

/** The compromised instances that a resource lists: by the resource each is, or by the id that the list gives. */
const compromised = ({ resources }: Sequence, resource: SequenceResource, data: string): readonly Outcome[] =>
  textsOf(dataOf(resource, data), 'ec2InstanceUids').map((uid) => {
    const own = resources.find((other) => other.type === 'EC2_INSTANCE' && other.uid === uid);
    return instance(own?.there ?? resource.there, uid);
  });

/** Its instance says that it has it; the interface itself says nothing about that. */
function networkInterface(sequence: Sequence, { uid, name }: SequenceResource): readonly Outcome[] {
  const owners = sequence.resources.filter(
    (other) =>
      other.type === 'EC2_INSTANCE' &&
      textsOf(peek(other.at, 'data', 'ec2Instance'), 'ec2NetworkInterfaceUids').includes(uid),
  );
  if (owners.length > 0) return owners.map((owner) => instance(owner.there, owner.uid));
  const called = shown(name || uid);
  return [
    {
      unhandled: `network interface ${called}: no instance of the sequence has it: see in EC2 what it is attached to, and isolate that`,
    },
  ];
}

function instanceProfile(sequence: Sequence, resource: SequenceResource, called: string): readonly Outcome[] {
  const instances = compromised(sequence, resource, 'iamInstanceProfile');
  const sessions = instanceSessions(sequence);
  const open = instances.flatMap((outcome) =>
    'part' in outcome && !sessions.has(outcome.part.target.id) ? [outcome.part.target.id] : [],
  );
  if (instances.length > 0 && open.length === 0) return instances;
  const whose = open.length > 0 ? ` of ${shown(open.join(', '))}` : '';
  return [
    ...instances,
    {
      unhandled: `${called}: the sequence does not name a session${whose}: where its role's credentials were used elsewhere (CloudTrail), revoke the sessions of the role`,
    },
  ];
}

/** The id of an object in Kubernetes; whatever else GuardDuty calls it by would never be found there. */
const KUBERNETES_UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function workload(sequence: Sequence, resource: SequenceResource, called: string): Outcome {
  const [cluster, ...others] = clustersOfWorkload(sequence, resource.uid);
  if (!cluster || others.length > 0) {
    return {
      unhandled: `${called}: the sequence does not say in which cluster: find it, and quarantine its pods`,
    };
  }
  const data = dataOf(resource, 'kubernetesWorkload');
  const uid = matching(resource.uid, KUBERNETES_UID);
  const outcome = chosen(
    quarantinePod,
    inCluster(cluster, {
      kubernetesWorkloadDetails: {
        name: resource.name,
        namespace: data?.optionalText('namespace') ?? '',
        type: data?.optionalText('kubernetesResourcesTypes') ?? '',
        ...(uid === undefined ? {} : { uid }),
      },
    }),
  );
  return 'part' in outcome
    ? outcome
    : { unhandled: `${called}: ${outcome.unhandled}: quarantine its pods by hand` };
}

/** What containers run in, with the member of `data` that lists them. */
const HOLDERS: Readonly<Record<string, string>> = {
  ECS_TASK: 'ecsTask',
  KUBERNETES_WORKLOAD: 'kubernetesWorkload',
};
const containersOf = ({ type, at }: SequenceResource): readonly string[] =>
  textsOf(peek(at, 'data', own(HOLDERS, type) ?? ''), 'containerUids');

/** A cluster is contained by what runs in it and who works in it; only where the sequence names neither is it left to a person. */
function cluster(
  { resources, actors }: Sequence,
  type: 'ECS_CLUSTER' | 'EKS_CLUSTER',
  called: string,
): readonly Outcome[] {
  const inside = type === 'ECS_CLUSTER' ? 'ECS_TASK' : 'KUBERNETES_WORKLOAD';
  const known =
    resources.some((other) => other.type === inside) ||
    (type === 'EKS_CLUSTER' &&
      actors.some(({ at }) => peek(at, 'user')?.optionalText('name')?.startsWith('system:')));
  if (known) return [];
  const what =
    type === 'ECS_CLUSTER'
      ? 'a task of it: look at its tasks and container instances, and stop or isolate'
      : 'a pod or an identity of it: look at its audit log and nodes, and quarantine or isolate';
  return [{ unhandled: `${called}: the sequence does not name ${what} what is compromised` }];
}

const bucketName = ({ name, uid }: SequenceResource): string => name || (parseArn(uid)?.resource ?? uid);

function bucket(resource: SequenceResource): Outcome {
  const name = bucketName(resource);
  if (dataOf(resource, 's3Bucket')?.optionalText('effectivePermission') !== 'PUBLIC')
    return { unhandled: `bucket ${shown(name)} is not public: who reached it is contained, not the bucket` };
  return chosen(blockPublicBucket, withResource(resource.there, { s3BucketDetails: [{ name }] }));
}

/** Only what a scan called malicious is marked; everything else is data that someone reached. */
const MALWARE = /^(Object|S3Object):S3\/.*Malicious/;

function object(sequence: Sequence, resource: SequenceResource): Outcome {
  const { uid, name } = resource;
  const holder = sequence.resources.find(
    (other) =>
      other.type === 'S3_BUCKET' && textsOf(peek(other.at, 'data', 's3Bucket'), 's3ObjectUids').includes(uid),
  );
  const [, inArn = '', keyInArn = ''] = /^([^/]+)\/(.+)$/s.exec(parseArn(uid)?.resource ?? '') ?? [];
  const bucketOf = holder ? bucketName(holder) : inArn;
  const malicious = sequence.signals.some(
    (signal) => MALWARE.test(signal.name) && uid !== '' && signal.resources.includes(uid),
  );
  if (!malicious) {
    const where = bucketOf === '' ? shown(name || uid) : `of bucket ${shown(bucketOf)}`;
    return { unhandled: `objects ${where}: who reached them is contained, not the objects` };
  }
  const data = dataOf(resource, 's3Object');
  const details = {
    key: data?.optionalText('key') ?? keyInArn,
    eTag: data?.optionalText('eTag') ?? null,
    versionId: data?.optionalText('versionId') ?? null,
  };
  return chosen(
    quarantineObject,
    withResource((holder ?? resource).there, {
      s3BucketDetails: [{ name: bucketOf, s3ObjectDetails: [details] }],
    }),
  );
}

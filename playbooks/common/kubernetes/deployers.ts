/**
 * Service accounts that make pods because others asked them to: controllers of the cluster, GitOps, CI. Unbinding one stops
 * everybody's deployments and leaves the pod; who asked is in a repository, a Deployment or a job, not in the audit log.
 */

/** What lives in these namespaces deploys for others; making one takes the rights of an administrator already. */
const NAMESPACES = new Set([
  ...['kube-system', 'argocd', 'argo-cd', 'argo', 'argo-rollouts', 'openshift-gitops', 'flux-system', 'flux'],
  ...[
    'tekton-pipelines',
    'jenkins',
    'jenkins-x',
    'gitlab-runner',
    'gitlab-agent',
    'spinnaker',
    'actions-runner-system',
  ],
  ...[
    'arc-systems',
    'fleet-system',
    'cattle-system',
    'cattle-fleet-system',
    'crossplane-system',
    'kapp-controller',
  ],
  ...['knative-serving', 'harness-delegate-ng', 'keel', 'weave-gitops'],
]);

/** The names that their charts and manifests give them, wherever they are installed. */
const NAME =
  /(^|-)(argocd-(application-controller|server|applicationset-controller)|argo-workflows?-(controller|server)|kustomize-controller|helm-controller|helm-operator|tiller|jenkins(-(agent|operator))?|gitlab-(runner|agent)|tekton-(pipelines|triggers)-controller|spinnaker|spin-clouddriver|fleet-agent|kapp-controller|harness-delegate|actions-runner-controller|gha-rs-controller|(replicaset|deployment|daemon-set|statefulset|job|cronjob|replication)-controller)$/;

/** Whether the service account is known to deploy for others. */
export const deploysForOthers = (namespace: string, name: string): boolean =>
  NAMESPACES.has(namespace) || NAME.test(name);

/** What was granted in a cluster is reverted: contain who granted it, as the second question. */
import { defineComposite } from '../../core/journal/playbook.ts';
import { callerOf } from '../common/kubernetes/identity-target.ts';
import { containKubernetesIdentity } from '../contain-kubernetes-identity/playbook.ts';

export const containKubernetesGranter = defineComposite({
  id: 'contain-kubernetes-granter',
  title: 'Contain the identity that granted access in an EKS cluster',
  about: `
Asked after \`contain-kubernetes-identity\` took a binding away (anonymous access, an administrator by default, a role binding that
was created): who granted it can grant it again. The caller of the finding is contained as any identity of the cluster.

Tools that deploy what others ask for (Argo CD, Flux, controllers of the cluster) are not unbound: find who changed what they deploy.
`.trim(),
  handles: [],
  expand: (finding) => {
    const choice = callerOf(finding);
    return choice.ok
      ? { ok: true, parts: [{ playbook: containKubernetesIdentity, target: choice.target }], unhandled: [] }
      : choice;
  },
});

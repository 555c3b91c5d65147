/** `aws-auth` lets a principal of IAM into a cluster, and is not edited: contain the principal itself, as the second question. */
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { defineComposite, type Expansion } from '../../core/journal/playbook.ts';
import { iamCallerOf, READ_CALLER } from '../common/kubernetes/iam-caller.ts';
import { principalPart } from '../common/principal/principal-part.ts';

async function locate(finding: Finding, aws: Aws): Promise<Expansion> {
  const caller = await iamCallerOf(finding, aws);
  if (!caller.ok) return caller;
  const choice = principalPart({ ...finding, accessKey: caller.accessKey });
  return choice.ok ? { ok: true, parts: [choice.part], unhandled: [] } : choice;
}

export const containKubernetesPrincipal = defineComposite({
  id: 'contain-kubernetes-principal',
  title: 'Contain in IAM the principal that a cluster lets in by aws-auth',
  about: `
Asked where \`contain-kubernetes-identity\` found who a Kubernetes user is, and its access comes from \`aws-auth\`, which is not
edited. A user's keys are switched off (\`disable-user-keys\`): tokens for the cluster signed with them are refused. The session of a
role is revoked (\`revoke-role-sessions\`) where it is certain which one called: its name as GuardDuty says it, or as the mapping put it into
the user name. \`{{SessionName}}\` has a dash for every at sign, so that such a name with a dash is not certain.

A cluster lets a revoked session in until its credentials expire, since \`sts:GetCallerIdentity\` cannot be denied: that stays as
remaining risk until the mapping is taken out of \`aws-auth\`.
`.trim(),
  handles: [],
  expand: () => ({ ok: false, reason: 'asked as a follow-up of contain-kubernetes-identity' }),
  locate,
  reads: READ_CALLER,
});

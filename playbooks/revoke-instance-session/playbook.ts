/**
 * Credentials of an instance's role are used elsewhere: cut the stolen session off with the narrowest deny that holds.
 */
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, isAccessDenied } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { definePlaybook, type TargetChoice } from '../../core/journal/playbook.ts';
import { READ_PROFILE } from '../common/ec2/instance-role.ts';
import { READ_POLICIES, roleDocuments } from '../common/evidence/identity.ts';
import { PROPAGATION_SECONDS } from '../common/iam/deny-proof.ts';
import { READ_ROLE, REMOVE_DENY, WRITE_DENY } from '../common/iam/role-permissions.ts';
import { planRevocation } from '../common/role-session/plan.ts';
import { KINDS } from '../common/role-session/policy-step.ts';
import { leverSettings } from '../common/role-session/settings.ts';
import { readState, roleState } from '../common/role-session/state.ts';
import {
  type SessionFacts,
  sessionFacts,
  sessionOf,
  sessionOfInstance,
} from '../common/role-session/target.ts';
import { instanceUndoSafety } from '../common/role-session/undo-safety.ts';
import { proveRevocation } from '../common/role-session/verify.ts';

/** After the isolation of an instance: whose credentials may be outside. What cannot be read is a remaining risk there. */
async function locate(finding: Finding, aws: Aws): Promise<TargetChoice<SessionFacts>> {
  if (finding.accessKey) return sessionOf(finding);
  try {
    return await sessionOfInstance(finding, aws);
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return { ok: false, reason: `the role of the instance may not be read (${awsErrorName(error)})` };
  }
}

export const revokeInstanceSession = definePlaybook({
  id: 'revoke-instance-session',
  title: "Revoke a stolen session of an instance's role",
  about: `
GuardDuty saw credentials from an instance's metadata used outside that instance. The session's name is the instance id,
so one inline policy on the role, \`firebreak-<incident>\`, can deny exactly that session.

**Containment actions**, set by \`playbooks.revoke-instance-session.lever\` in policy.yml:

| \`lever\` | denies | keeps working | needs |
|---|---|---|---|
| \`session\` (default) | the stolen session and the instance it was stolen from, also after renewal | every other session of the role | IAM |
| \`pin\` | the session wherever it is used but at the instance's own addresses and in its VPC | the instance and all others | IAM, EC2 |
| \`role\` | every session of the role issued before now | sessions issued later | IAM, EC2; asks when more than one instance or any other principal uses the role |

\`session\` is the default because it holds whatever the network looks like, because its blast radius is one session
however many instances share the role, and because it needs no EC2 call before it is in place. The instances that use the
role are counted in the proof then. \`pin\` is used only where the way out is certain (a public address behind an internet
gateway, public NAT gateways); with a transit gateway, peering, a virtual gateway or an appliance on the route the
session is denied instead, and the plan says so. A proxy on the way that no route table shows cannot be seen: do not set
\`pin\` where instances use one. For \`role\` the instances are counted in every enabled Region before anything is planned.

**After the isolation of an instance** whose profile carries a role it is a follow-up: credentials that were taken out before
work anywhere until they expire. The session is denied (\`session\` whatever the setting, since an isolated instance needs no
credentials), automatically where the isolation was and the instance is the only one that may use the role; otherwise it is asked.

**Whose name it is**: where others than EC2 may assume the role, the name proves nothing. If the instance of that name does not run
with the role, the session is denied as its caller's own, the card says which instance bears the name, and the follow-ups
on the instance always ask.

**Refused**, with the action that works instead: service-linked roles, roles of IAM Identity Center,
\`OrganizationAccountAccessRole\`, \`AWSControlTowerExecution\`, Firebreak's own roles, what \`protected\` in policy.yml names exactly,
a role re-created since the finding (RoleId differs), and a role without room for another inline policy.
A policy \`AWSRevokeOlderSessions\` of the console is left alone.

**What the session keeps** makes the incident \`residual\`. Once the deny is proven, the clusters of every Region are asked whether
they know the role: sts:GetCallerIdentity, with which a session signs in there, cannot be denied. CloudTrail is looked through for
roles that the session assumed, tokens for services outside AWS (GetWebIdentityToken), and credentials of GetScopedCredentials
and \`aws login\`, which a deny by session holds and a pin or a cut-off may not. \`pin\` leaves the VPC and the instance's addresses
open, \`role\` the metadata service of a running instance.

**Not contained**: the principal that works on the instance itself (isolate it as well); users and keys made with the session before the
deny. Taking the instance profile away ends no session, so it is not done. The tag that lowers auto to
ask is read from the role; the instance's own tags are read with \`pin\` and \`role\` only.

**Undo** removes only a policy whose document is still the one that was written. Until the stolen session has ended (the
longer of the role's maximum and about 6 h for metadata credentials) that would restore the attacker's access, so a second
person must agree. With \`session\` and \`pin\` it restores, at any time, the sessions that the instance was issued since the
deny as well, since they carry the same \`aws:userid\`: isolate the instance first where it may still be compromised. The
preview, the card and the undo's result say so.
`.trim(),
  handles: ['UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration*'],
  settings: leverSettings,
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      ...READ_ROLE,
      READ_PROFILE,
      READ_POLICIES,
      {
        // EC2 describes have no resource level.
        actions: ['ec2:DescribeNatGateways', 'ec2:DescribeRouteTables'],
        resources: ['*'],
        why: "finds the instance's way out",
      },
    ],
    write: [WRITE_DENY],
    undo: [REMOVE_DENY],
  },
  // The document can be read at once, but IAM enforces it only after its propagation.
  proofDelaySeconds: PROPAGATION_SECONDS,
  facts: sessionFacts,
  state: roleState,
  targetOf: sessionOf,
  locate,
  read: readState,
  plan: planRevocation,
  kinds: KINDS,
  verify: proveRevocation,
  undoSafety: instanceUndoSafety,
  evidence: (target, aws) => roleDocuments(aws, target.facts.roleName),
});

/** Credentials of an IAM user are misused: deny the user everything, set the stolen keys and its other credentials Inactive. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { READ_POLICIES, userDocuments } from '../common/evidence/identity.ts';
import { PRINCIPAL_TYPES } from '../common/iam/principal-types.ts';
import { READ_CLUSTERS } from '../common/iam/role-permissions.ts';
import { planDisable } from './plan.ts';
import { readUser, userState } from './state.ts';
import { KINDS } from './steps.ts';
import { userFacts, userOf } from './target.ts';
import { proveDisabled, userUndoSafety } from './verify.ts';

const USERS = `arn:\${Partition}:iam::\${Account}:user/*`;
const DENY_ALL = { ArnEquals: { 'iam:PolicyARN': 'arn:${Partition}:iam::aws:policy/AWSDenyAll' } };

export const disableUserKeys = definePlaybook({
  id: 'disable-user-keys',
  title: 'Stop an IAM user and its stolen keys',
  about: `
1. An inline policy \`firebreak-<incident>\` denies the user everything. It holds for both keys, the console, and sessions
   from GetSessionToken and GetFederationToken, which carry the user's policies. Setting a key Inactive alone would leave
   those sessions alive for up to 36 hours. Where the user's inline policies leave no room (2,048 characters [M]),
   AWS's own \`AWSDenyAll\` is attached instead.
2. The reported key is set Inactive, and so is every key made since GuardDuty first saw the activity: it may be the
   attacker's. Other keys stay Active; the deny holds for them. Keys are never deleted.
3. What else lets the user in is set Inactive, all of it, since GuardDuty names none of it: credentials of one service (CodeCommit,
   Keyspaces, API keys of Bedrock), signing certificates, SSH keys of CodeCommit. What IAM does not list is named as remaining risk.
4. A minute later keys and credentials are listed again: during the seconds in which IAM does not enforce the deny yet, the attacker
   may have made another one. It is contained under the same incident.

**Refused**: root (IAM cannot contain it), a user re-created since the finding, protected users.

**Not contained**: sessions of roles that the keys assumed before. They are named as remaining risk; \`revoke-role-sessions\`
ends them on their roles. The password and MFA devices are not touched, because what is taken from them cannot be restored: the deny
holds in the console and for sign-in sessions (\`aws login\`, MCP clients) as well. Where AWS lists such sessions, \`end-sign-in-sessions\` is asked next;
where they could not be listed, the card has the command.

Temporary credentials of the user sign in to a cluster with sts:GetCallerIdentity, which cannot be denied: the clusters of every
Region that know the user are named as remaining risk.

**Undo** removes the deny and makes the keys and credentials that were Active so again, so a second person must agree: rotating the keys is the better
way. What AWS attached itself (\`AWSCompromisedKeyQuarantine*\`) is left alone.
`.trim(),
  handles: PRINCIPAL_TYPES,
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      ...READ_CLUSTERS,
      READ_POLICIES,
      {
        actions: [
          'iam:GetLoginProfile',
          'iam:GetUser',
          'iam:GetUserPolicy',
          'iam:ListAccessKeys',
          'iam:ListAttachedUserPolicies',
          'iam:ListGroupsForUser',
          'iam:ListMFADevices',
          'iam:ListServiceSpecificCredentials',
          'iam:ListSigningCertificates',
          'iam:ListSSHPublicKeys',
          'iam:ListUserPolicies',
          'iam:SimulatePrincipalPolicy',
        ],
        resources: [USERS],
        why: 'the user, its keys, credentials and policies, and whether the deny holds',
      },
      {
        // IAM authorises this on the user of the key, which the request does not name.
        actions: ['iam:GetAccessKeyLastUsed'],
        resources: ['*'],
        why: 'what the keys were last used for: what stops when they do',
      },
      {
        actions: ['signin:ListSessions'],
        resources: ['*'],
        why: 'whether it has sign-in sessions that can be renewed',
      },
    ],
    write: [
      {
        actions: ['iam:PutUserPolicy', 'iam:UpdateAccessKey'],
        resources: [USERS],
        why: 'writes the deny, switches keys',
        worst:
          'administrator of the account: an inline policy may allow everything to any user that is not protected; switches any key on or off',
      },
      {
        actions: [
          'iam:UpdateServiceSpecificCredential',
          'iam:UpdateSigningCertificate',
          'iam:UpdateSSHPublicKey',
        ],
        resources: [USERS],
        why: 'switches the credentials that are not access keys',
        worst:
          'switches any credential of one service, signing certificate or SSH key of a user on or off: deployments stop, or a disabled one works again',
      },
      {
        actions: ['iam:AttachUserPolicy'],
        resources: [USERS],
        condition: DENY_ALL,
        why: 'the deny where no inline policy fits; no other policy can be attached',
        worst: 'locks any user out',
      },
    ],
    undo: [
      {
        actions: ['iam:DeleteUserPolicy'],
        resources: [USERS],
        why: 'removes the deny',
        worst: 'ends the containment of any user, or removes an inline policy by which it works',
      },
      {
        actions: ['iam:DetachUserPolicy'],
        resources: [USERS],
        condition: DENY_ALL,
        why: 'the deny where no inline policy fitted; no other policy can be detached',
        worst: 'ends the containment of any user who was denied so',
      },
    ],
  },
  // IAM enforces a change within seconds, documented as minutes.
  proofDelaySeconds: 60,
  facts: userFacts,
  state: userState,
  targetOf: userOf,
  read: readUser,
  plan: planDisable,
  kinds: KINDS,
  verify: proveDisabled,
  undoSafety: userUndoSafety,
  evidence: (target, aws) => userDocuments(aws, target.facts.userName),
});

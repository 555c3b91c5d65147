/** One step: the profile is taken from the instance, or another takes its place. Pure. */
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import { REPLACEMENT_ROLES, replacementArn, replacementOf } from './settings.ts';
import type { State } from './state.ts';
import type { KINDS } from './steps.ts';
import type { Facts } from './target.ts';

export function plan(
  { profileArn, replacementRole, tags }: State,
  target: Target<Facts>,
  { protectedArns, settings }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const refuse = (reason: string, alternative: string): Plan<never> => ({
    kind: 'refused',
    reason,
    alternative,
  });
  const names = [target.id, target.display, ...(profileArn === null ? [] : [profileArn])];
  const pattern = protectedBy(names, protectedArns);
  if (pattern !== undefined)
    return refuse(`${target.id} is protected by policy.yml (protected: ${pattern})`, 'Ask its owner.');
  const setting = replacementOf(settings);
  if ('problem' in setting)
    return refuse(setting.problem, 'Correct policy.yml, or change the profile by hand.');
  const replacement = replacementArn(settings, target);
  if (typeof replacementRole === 'string' && !replacementRole.startsWith(REPLACEMENT_ROLES)) {
    return refuse(
      `Firebreak may not pass the role ${replacementRole} of the instance profile ${setting.name}`,
      `Use a role named ${REPLACEMENT_ROLES}…, without a path, in that profile, or change the profile by hand.`,
    );
  }
  return {
    kind: 'plan',
    steps: [
      {
        id: 'profile',
        kind: 'profile',
        role: 'contain',
        describe:
          replacement === null
            ? `Detach the instance profile from ${target.id}`
            : `Replace the instance profile of ${target.id} with ${setting.name}`,
        args: { instanceId: target.id, region: target.region, replacement },
        before: profileArn,
        after: replacement,
      },
    ],
    blastRadius: { count: 1, unit: 'instances', detail: [`${target.id}, profile ${profileArn ?? 'none'}`] },
    warnings: [
      replacement === null
        ? 'software on the instance, Systems Manager included, gets no new AWS credentials'
        : `software on the instance gets the rights of ${setting.name} instead of its own`,
    ],
    residual: [
      'credentials that the instance was given before stay valid for up to 6 hours, unless their session is denied (revoke-instance-session)',
      ...(replacement === null
        ? []
        : [
            `an attacker on ${target.id} gets the rights of ${setting.name}: keep them to what forensics needs`,
          ]),
    ],
    askBecause: target.facts.doubt === undefined ? [] : [target.facts.doubt],
    tags,
    arns: [target.display],
  };
}

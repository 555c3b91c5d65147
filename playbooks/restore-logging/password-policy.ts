/** The account's password policy. Always asked: a stricter one makes people choose new passwords. */
import { z } from 'zod';
import { awsErrorName } from '../../core/errors.ts';
import { isJsonObject, type Json, toJson } from '../../core/json.ts';
import { capitalised, lastGood, pastCalls } from '../common/logging/history.ts';
import { settingsOf } from '../common/logging/settings.ts';
import { settingSubject } from './setting.ts';

const policySchema = z.object({
  MinimumPasswordLength: z.number().optional(),
  RequireSymbols: z.boolean().optional(),
  RequireNumbers: z.boolean().optional(),
  RequireUppercaseCharacters: z.boolean().optional(),
  RequireLowercaseCharacters: z.boolean().optional(),
  AllowUsersToChangePassword: z.boolean().optional(),
  MaxPasswordAge: z.number().min(1).optional(),
  PasswordReusePrevention: z.number().min(1).optional(),
  HardExpiry: z.boolean().optional(),
});

/** The same with what `normalised` always puts: nothing else is written. */
const written = z.strictObject({ ...policySchema.shape, MinimumPasswordLength: z.number() });

/**
 * With what IAM puts where a member is left out, so that a policy as asked for equals the same policy as answered.
 * `ExpirePasswords` only repeats that there is a maximum age.
 */
function normalised(value: Json): Json {
  if (!isJsonObject(value)) return null;
  const given = policySchema.safeParse(
    Object.fromEntries(Object.entries(value).filter(([, member]) => member !== 0 && member !== null)),
  );
  if (!given.success) return null;
  return toJson({
    MinimumPasswordLength: 6,
    RequireSymbols: false,
    RequireNumbers: false,
    RequireUppercaseCharacters: false,
    RequireLowercaseCharacters: false,
    AllowUsersToChangePassword: false,
    HardExpiry: false,
    ...given.data,
  });
}

export const passwordPolicy = settingSubject({
  kind: 'password-policy',
  name: ({ account }) => `the password policy of account ${account}`,
  async live(aws) {
    const { client, api } = await aws.iam();
    try {
      const { PasswordPolicy } = await client.send(new api.GetAccountPasswordPolicyCommand({}));
      return normalised(toJson(PasswordPolicy));
    } catch (error) {
      if (['NoSuchEntity', 'NoSuchEntityException'].includes(awsErrorName(error) ?? '')) return null;
      throw error;
    }
  },
  async baseline(aws, target, _live, settings) {
    const { passwordPolicy: named } = settingsOf(settings);
    const value = named === undefined ? null : normalised(named);
    return value === null
      ? lastGood(await pastCalls(aws, ['UpdateAccountPasswordPolicy']), target.facts, ({ request }) =>
          normalised(capitalised(request)),
        )
      : { known: true, value, from: 'policy.yml', unsure: [] };
  },
  async put(aws, _target, value) {
    const { client, api } = await aws.iam();
    if (value === null) await client.send(new api.DeleteAccountPasswordPolicyCommand({}));
    else await client.send(new api.UpdateAccountPasswordPolicyCommand(written.parse(value)));
  },
  ask: ({ account }) => `the password policy is for every IAM user of account ${account}`,
  byHand:
    'Compare it with your standard and set it in IAM, or name yours in policy.yml (playbooks.restore-logging.passwordPolicy).',
  residual: ['passwords that were set while it was weaker stay as they are'],
});

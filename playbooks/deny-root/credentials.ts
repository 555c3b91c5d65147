/** Which credentials the root user of an account has, as any role of the account may ask: not which ones, and without becoming root. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Permission } from '../../core/journal/playbook.ts';
import { awsReason, isAnswer } from '../common/iam/aws-reason.ts';

const FORMS = {
  password: 'AccountPasswordPresent',
  'access keys': 'AccountAccessKeysPresent',
  'signing certificates': 'AccountSigningCertificatesPresent',
  'MFA devices': 'AccountMFAEnabled',
} as const;
const formSchema = z.enum(['password', 'access keys', 'signing certificates', 'MFA devices']);
type RootForm = z.infer<typeof formSchema>;

/** `unread`: AWS did not say, and why. */
export const rootCredentials = z.object({
  has: z.array(formSchema),
  unread: z.array(z.object({ form: formSchema, why: z.string() })),
});
export type RootCredentials = z.infer<typeof rootCredentials>;

export const READ_ROOT: Permission = {
  // It has no resource level.
  actions: ['iam:GetAccountSummary'],
  resources: ['*'],
  why: 'whether root has a password, access keys, signing certificates and MFA devices',
};

/** Roles that were deployed for an earlier release may not ask, which keeps no deny from being attached. */
export async function readRoot(aws: Aws): Promise<RootCredentials> {
  const { client, api } = await aws.iam();
  try {
    const { SummaryMap = {} } = await client.send(new api.GetAccountSummaryCommand({}));
    const said = (form: RootForm) => SummaryMap[FORMS[form]];
    return {
      has: formSchema.options.filter((form) => (said(form) ?? 0) > 0),
      unread: formSchema.options
        .filter((form) => said(form) === undefined)
        .map((form) => ({ form, why: 'IAM does not say' })),
    };
  } catch (error) {
    if (!isAnswer(error)) throw error;
    return unread(awsReason(error));
  }
}

/** Returns that nothing is known of any. */
export const unread = (why: string): RootCredentials => ({
  has: [],
  unread: formSchema.options.map((form) => ({ form, why })),
});

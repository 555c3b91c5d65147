/**
 * What lets a user in besides access keys and the console: credentials of one service (CodeCommit, Keyspaces, Bedrock), signing
 * certificates, and SSH keys of CodeCommit. GuardDuty names none of them, so any may have been the way in. Each can be set Inactive, and
 * Active again [M].
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import { awsReason, isAnswer, isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { pagesOf } from '../common/iam/iam-pages.ts';

export const formSchema = z.enum(['service', 'certificate', 'ssh']);
type Form = z.infer<typeof formSchema>;

const credentialSchema = z.object({
  form: formSchema,
  id: z.string(),
  /** `codecommit.amazonaws.com`; null for what is not of one service. */
  service: z.string().nullable(),
  /** Active, Inactive or Expired. */
  status: z.string(),
});
export type Credential = z.infer<typeof credentialSchema>;

/** `unread`: of which form IAM did not list them, and why. */
export const credentialsSchema = z.object({
  found: z.array(credentialSchema),
  unread: z.array(z.object({ form: formSchema, why: z.string() })),
});
type Credentials = z.infer<typeof credentialsSchema>;

const NAMES: Readonly<Record<Form, string>> = {
  service: 'service-specific credential',
  certificate: 'signing certificate',
  ssh: 'SSH public key',
};

/** Returns a credential as people call it: `signing certificate ABC…`, `codecommit.amazonaws.com credential ACCA…`. */
export const nameOf = ({ form, id, service }: Pick<Credential, 'form' | 'id' | 'service'>): string =>
  `${service === null ? NAMES[form] : `${service} credential`} ${id}`;
export const unreadWords = ({ form, why }: Credentials['unread'][number]): string =>
  `${NAMES[form]}s (${why})`;

type Listing = (aws: Aws, UserName: string) => Promise<readonly Credential[]>;

const LISTS: Readonly<Record<Form, Listing>> = {
  async service(aws, UserName) {
    const { client, api } = await aws.iam();
    const found = await pagesOf(
      (marker) => client.send(new api.ListServiceSpecificCredentialsCommand({ UserName, ...marker })),
      (answer) => answer.ServiceSpecificCredentials,
    );
    return found.map(({ ServiceSpecificCredentialId: id = '', ServiceName = '', Status: status = '' }) => ({
      ...{ form: 'service', id, service: ServiceName, status },
    }));
  },
  async certificate(aws, UserName) {
    const { client, api } = await aws.iam();
    const found = await pagesOf(
      (marker) => client.send(new api.ListSigningCertificatesCommand({ UserName, ...marker })),
      (answer) => answer.Certificates,
    );
    return found.map(({ CertificateId: id = '', Status: status = '' }) => ({
      ...{ form: 'certificate', id, service: null, status },
    }));
  },
  async ssh(aws, UserName) {
    const { client, api } = await aws.iam();
    const found = await pagesOf(
      (marker) => client.send(new api.ListSSHPublicKeysCommand({ UserName, ...marker })),
      (answer) => answer.SSHPublicKeys,
    );
    return found.map(({ SSHPublicKeyId: id = '', Status: status = '' }) => ({
      ...{ form: 'ssh', id, service: null, status },
    }));
  },
};

/**
 * Returns the user's credentials. Roles that were deployed for an earlier release may not list them, and a Region of IAM may not have
 * them: that keeps no deny from being written. Throws NoSuchEntity when the user is gone.
 */
export async function credentialsOf(aws: Aws, UserName: string): Promise<Credentials> {
  const lists = await Promise.all(
    formSchema.options.map(async (form) => {
      try {
        return { found: await LISTS[form](aws, UserName) };
      } catch (error) {
        if (isNoSuchEntity(error) || !isAnswer(error)) throw error;
        return { unread: { form, why: awsReason(error) } };
      }
    }),
  );
  return {
    found: lists.flatMap(({ found = [] }) => found),
    unread: lists.flatMap(({ unread }) => unread ?? []),
  };
}

/** Returns the credential's status; null when it is gone. */
export async function statusOf(
  aws: Aws,
  UserName: string,
  { form, id }: Pick<Credential, 'form' | 'id'>,
): Promise<string | null> {
  const found = await LISTS[form](aws, UserName);
  return found.find((one) => one.id === id)?.status ?? null;
}

/** Always with the user's name: without it IAM takes the credential to be the caller's own. */
export async function setStatus(
  aws: Aws,
  UserName: string,
  { form, id }: Pick<Credential, 'form' | 'id'>,
  Status: 'Active' | 'Inactive',
): Promise<void> {
  const { client, api } = await aws.iam();
  try {
    switch (form) {
      case 'service':
        await client.send(
          new api.UpdateServiceSpecificCredentialCommand({
            UserName,
            ServiceSpecificCredentialId: id,
            Status,
          }),
        );
        return;
      case 'certificate':
        await client.send(new api.UpdateSigningCertificateCommand({ UserName, CertificateId: id, Status }));
        return;
      case 'ssh':
        await client.send(new api.UpdateSSHPublicKeyCommand({ UserName, SSHPublicKeyId: id, Status }));
        return;
    }
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error;
    throw new FirebreakError('StepFailed', `${id} was deleted meanwhile`, {
      resource: UserName,
      next: 'Nothing: a deleted credential lets no one in.',
      cause: error,
    });
  }
}

/** Credentials of a user that are not access keys: of one service, a signing certificate, an SSH key of CodeCommit. */
import { generateKeyPairSync } from 'node:crypto';
import {
  CreateServiceSpecificCredentialCommand,
  UploadSigningCertificateCommand,
  UploadSSHPublicKeyCommand,
} from '@aws-sdk/client-iam';
import { awsErrorName } from '../../../core/errors.ts';
import { isAnswer } from '../../../playbooks/common/iam/aws-reason.ts';
import { selfSigned } from '../../../sandbox/self-signed.ts';
import type { Fact, Kit } from '../scene.ts';

/** By the form: each status, in the order of the ids. */
type Statuses = Readonly<Record<string, readonly string[]>>;

export interface Credentials {
  statuses(): Promise<Statuses>;
  /** What a containment must have made of them. */
  fact(): Promise<Fact>;
}

/** Nothing that lets anyone in is kept: the private keys are thrown away, and so is the password. */
export async function makeCredentials(kit: Kit, UserName: string): Promise<Credentials> {
  const { client, api } = await kit.aws.iam();
  const missing: string[] = [];
  // Not every Region of IAM has them.
  const unlessMissing = async (form: string, make: () => Promise<unknown>): Promise<void> => {
    try {
      await make();
    } catch (error) {
      if (!isAnswer(error)) throw error;
      missing.push(`${form} not made: ${awsErrorName(error)}`);
    }
  };
  await unlessMissing('credential of CodeCommit', () =>
    client.send(
      new CreateServiceSpecificCredentialCommand({ UserName, ServiceName: 'codecommit.amazonaws.com' }),
    ),
  );
  await unlessMissing('signing certificate', () =>
    client.send(new UploadSigningCertificateCommand({ UserName, CertificateBody: selfSigned('rsa').cert })),
  );
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const SSHPublicKeyBody = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  await unlessMissing('SSH key', () =>
    client.send(new UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody })),
  );

  const listed = async (form: string, list: () => Promise<readonly (string | undefined)[]>) =>
    missing.some((one) => one.startsWith(form)) ? [] : (await list()).map((status) => status ?? '');
  const statuses = async (): Promise<Statuses> => ({
    service: await listed('credential of CodeCommit', async () => {
      const found = await client.send(new api.ListServiceSpecificCredentialsCommand({ UserName }));
      return (found.ServiceSpecificCredentials ?? []).map(({ Status }) => Status);
    }),
    certificate: await listed('signing certificate', async () => {
      const { Certificates = [] } = await client.send(new api.ListSigningCertificatesCommand({ UserName }));
      return Certificates.map(({ Status }) => Status);
    }),
    ssh: await listed('SSH key', async () => {
      const { SSHPublicKeys = [] } = await client.send(new api.ListSSHPublicKeysCommand({ UserName }));
      return SSHPublicKeys.map(({ Status }) => Status);
    }),
  });
  return {
    statuses,
    async fact() {
      const found = await statuses();
      const all = Object.values(found).flat();
      const inactive = all.length > 0 && all.every((status) => status === 'Inactive');
      const saw = Object.entries(found).map(([form, each]) => `${form}: ${each.join(', ') || 'none'}`);
      return {
        id: 'user-credentials',
        verdict: inactive ? 'confirmed' : 'refuted',
        saw: [...saw, ...missing].join('; '),
      };
    },
  };
}

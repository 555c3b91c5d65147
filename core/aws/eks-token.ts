/**
 * A token for the Kubernetes API of an EKS cluster: a presigned STS GetCallerIdentity URL in base64url. The cluster asks
 * STS who signed it, so it works with whatever credentials a function has, and no secret is stored anywhere.
 *
 * Source: aws-iam-authenticator, "API authorization from outside a cluster": prefix `k8s-aws-v1.`, the signed header
 * `x-k8s-aws-id` with the cluster's name (so that a token of one cluster is worth nothing at another), and at most 15
 * minutes from its date.
 */
import { SignatureV4 } from '@smithy/signature-v4';
import type { Aws } from './client.ts';

/** As `aws eks get-token` writes it; the cluster takes the token for 15 minutes whatever this says. */
const EXPIRES_SECONDS = 60;

/** Signs with the clock given. The token is as good as the credentials for 15 minutes: never log it. */
export async function eksToken(aws: Aws, cluster: string, now: Date): Promise<string> {
  const { client } = await aws.sts();
  const { region } = aws.scope;
  // The Regional endpoint, with the partition's own domain (amazonaws.com.cn).
  const { url } = client.config.endpointProvider({
    Region: region,
    UseDualStack: false,
    UseFIPS: false,
    UseGlobalEndpoint: false,
  });
  const signer = new SignatureV4({
    service: 'sts',
    region,
    credentials: client.config.credentials,
    sha256: client.config.sha256,
  });
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: url.protocol,
      hostname: url.hostname,
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host: url.hostname, 'x-k8s-aws-id': cluster },
    },
    { expiresIn: EXPIRES_SECONDS, signingDate: now },
  );
  const query = Object.entries(signed.query ?? {})
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`)
    .join('&');
  return `k8s-aws-v1.${Buffer.from(`${url.origin}/?${query}`).toString('base64url')}`;
}

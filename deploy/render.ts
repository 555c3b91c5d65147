/**
 * A generated document as AWS would see it: CloudFormation's Fn::Sub and Ref and the Serverless Framework's variables
 * resolved for one deployment. The proofs of the roles and of IAM's size quotas stand on it.
 */

export interface Deployment {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  /** `firebreak-STAGE` is the name in front of everything the stack makes. */
  readonly stage: string;
  /** Values of the template's parameters. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/**
 * The longest names there are: documents that fit here fit in every deployment. The longest role,
 * `firebreak-STAGE-REGION-request-approval`, may have 64 characters (IAM quota), which leaves 22 for the stage.
 */
export const LONGEST: Deployment = {
  partition: 'aws-us-gov',
  region: 'ap-southeast-1',
  account: '123456789012',
  stage: 'a-stage-of-22-chars-xx',
  parameters: {
    ExternalId: 'firebreak-a-stage-of-22-chars-xx',
    OrganizationId: 'o-0123456789abcdef0123456789',
  },
};

export function render(value: unknown, deployment: Deployment): unknown {
  if (typeof value === 'string') return serverlessNames(value, deployment);
  if (Array.isArray(value)) return value.map((member) => render(member, deployment));
  if (typeof value !== 'object' || value === null) return value;
  if ('Fn::Sub' in value) {
    if (typeof value['Fn::Sub'] !== 'string') throw new Error('Fn::Sub with a map is not resolved here');
    return substituted(serverlessNames(value['Fn::Sub'], deployment), deployment);
  }
  if ('Ref' in value) return named(String(value.Ref), deployment);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, render(member, deployment)]));
}

const serverlessNames = (text: string, { stage }: Deployment): string =>
  text.replaceAll('${self:service}', 'firebreak').replaceAll('${sls:stage}', stage);

const substituted = (text: string, deployment: Deployment): string =>
  text.replace(/\$\{(!?)([^}]+)\}/g, (_all, literal: string, name: string) =>
    literal ? `\${${name}}` : named(name, deployment),
  );

function named(name: string, deployment: Deployment): string {
  const known: Readonly<Record<string, string>> = {
    'AWS::Partition': deployment.partition,
    'AWS::Region': deployment.region,
    'AWS::AccountId': deployment.account,
    ...deployment.parameters,
  };
  const found = known[name];
  if (found === undefined) throw new Error(`${name} has no value in this deployment`);
  return found;
}

/** What a session's name says: one run, every run of some automation, or whatever its caller chose. */
import type { RoleState } from './state.ts';
import type { SessionFacts } from './target.ts';

/** An instance, a time in seconds or finer, a UUID, or an id of as many hex digits: no later session has it. */
const ONE_RUN = /^i-[0-9a-f]{8,17}$|\d{10,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|(?=[0-9a-f]*\d)[0-9a-f]{16,}/;

/** Names that tools give to every session they open, unless given another. */
const OF_TOOLS =
  /^(GitHubActions|GitHub-?Actions?|github|gitlab(-?ci)?|AWSCloudFormation|CloudFormation|cdk|cdk-.*|terraform.*|Terraform.*|pulumi.*|CodeBuild|AWSCodeBuild|CodePipeline|CodeDeploy|BitbucketPipelines|CircleCI|jenkins|buildkite|spacelift.*|atlantis|argocd.*|AssumeRoleSession|AssumeRoleSession\d|AWSCLI-Session|airflow|AmazonMWAA-airflow|GlueJobRunnerSession|SageMaker|botocore-session|aws-sdk.*session|RoleSession|session)$/;

/** No later session of the role has this name, as far as a name tells. */
export const isOfOneRun = (name: string): boolean => ONE_RUN.test(name);

/**
 * Whether every run of some automation opens its sessions under this name. A deny by such a name cuts all later runs too; one
 * that is bounded by the time of issue does not. A caller who picks the name gains nothing by it: they could as well come back
 * under another name.
 */
export function isOfEveryRun({ role }: RoleState, { instanceId: name, service }: SessionFacts): boolean {
  if (isOfOneRun(name)) return false;
  if (OF_TOOLS.test(name) || service !== undefined) return true;
  // Services and identity providers name sessions after what runs: a function, a project, a repository.
  return !role.otherPrincipals.some((principal) => !/^(Service|Federated): /.test(principal));
}

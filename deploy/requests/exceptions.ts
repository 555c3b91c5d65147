/** What differs from AWS's models and is right all the same, each with the reason. */
import type { Problem } from './problem.ts';

export interface Exception {
  readonly service: string;
  /** Of every operation where it is absent. */
  readonly operation?: string;
  readonly side: Problem['side'];
  /** Matches the path of the problem. */
  readonly path: RegExp;
  readonly problem: RegExp;
  /** In the tests on moto alone: an id that moto made, which the twin makes in AWS's form. */
  readonly moto?: true;
  readonly why: string;
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    service: 'Route53',
    operation: 'ListHostedZonesByName',
    side: 'request',
    path: /^\.MaxItems$/,
    problem: /^not a text$/,
    why: 'SDK v3 types the parameter of the query as a number',
  },
  {
    service: 'Route53',
    operation: 'ListHostedZonesByName',
    side: 'answer',
    path: /^\.MaxItems$/,
    problem: /^not a text$/,
    why: 'and reads it from the answer as one',
  },
  {
    service: 'SSM',
    operation: 'GetParameters',
    side: 'answer',
    path: /^\.InvalidParameters$/,
    problem: /^elements below 1$/,
    why: 'AWS answers an empty list where every parameter is there (AWS CLI reference, get-parameters)',
  },
  {
    service: 'GuardDuty',
    operation: 'GetFindings',
    side: 'answer',
    path: /^\.Findings\[\]\.(Qualifier|Task|Warm)$/,
    problem: /^unknown member/,
    why: 'members that an attacker wants to be taken for a ping, in a finding that the test makes (test/adversary/warming)',
  },
  {
    service: 'SSOAdmin',
    side: 'request',
    path: /^\.PermissionSetArn$/,
    problem: /^not of the pattern/,
    moto: true,
    why: 'moto makes the ARNs of permission sets from those of the instance',
  },
  {
    service: 'Identitystore',
    operation: 'GetUserId',
    side: 'request',
    path: /^\.IdentityStoreId$/,
    problem: /^not of the pattern/,
    moto: true,
    why: 'moto makes ids of stores with letters beyond f',
  },
  {
    service: 'WAFV2',
    operation: 'UpdateIPSet',
    side: 'request',
    path: /^\.LockToken$/,
    problem: /^not of the pattern/,
    moto: true,
    why: 'moto makes lock tokens of six characters',
  },
];

/** `test/conformance/` in the name of a record (record.ts). */
const ON_MOTO = /test~conformance~[^/]*$/;

export const excepts = (exception: Exception, problem: Problem): boolean =>
  exception.service === problem.service &&
  (exception.operation === undefined || exception.operation === problem.operation) &&
  exception.side === problem.side &&
  exception.path.test(problem.path) &&
  (exception.moto !== true || problem.records.every((record) => ON_MOTO.test(record))) &&
  exception.problem.test(problem.problem);

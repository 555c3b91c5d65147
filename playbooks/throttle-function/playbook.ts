/** A Lambda function talks to someone it should not: let no one invoke it any more. */

import { definePlaybook } from '../../core/journal/playbook.ts';
import { functionDocuments, READ_FUNCTION } from '../common/evidence/workload.ts';
import { functionOf } from '../common/lambda-target.ts';
import { planThrottle } from './plan.ts';
import { functionState, readFunction } from './state.ts';
import { KINDS } from './steps.ts';
import { proveThrottle } from './verify.ts';

const FUNCTIONS = `arn:\${Partition}:lambda:\${Region}:\${Account}:function:*`;

export const throttleFunction = definePlaybook({
  id: 'throttle-function',
  title: 'Stop a Lambda function from being invoked',
  about: `
Sets the function's reserved concurrency to 0, which throttles every version and alias of it. Provisioned concurrency is
captured and removed first, because AWS refuses a reserved concurrency below it [M].

**Refused**: Firebreak's own functions, in the account it runs in, and what \`protected\` in policy.yml names. Throttle those by hand.
A function on Lambda Managed Instances is refused as well: reserved concurrency is a limit of functions that scale by invocation [M].

**Not contained**: invocations that run already go on until the function's timeout (at most 15 minutes); sessions of the
function's role that were taken out of it stay valid: revoke them on the role. Copies at Lambda@Edge are not touched.

**What it costs**: everything that uses the function stops. Asynchronous events are tried again for up to 6 hours and then
dropped or sent to the dead-letter queue; records of a stream that are older than its retention are lost.

**Undo** restores exactly what was: a number as that number, and a function without reserved concurrency as without one
(a 0 or a 1000 in its place would be another setting).
`.trim(),
  // What the function does over the network. Not Persistence:Lambda/*: there someone opened it to the public, and it runs as ever.
  handles: [
    'Backdoor:Lambda/*',
    'CryptoCurrency:Lambda/*',
    'DefenseEvasion:Lambda/*',
    'Exfiltration:Lambda/*',
    'Impact:Lambda/*',
    'Trojan:Lambda/*',
    'UnauthorizedAccess:Lambda/*',
  ],
  reversible: { kind: 'partly', lost: 'events that were dropped while the function was throttled' },
  permissions: {
    read: [
      READ_FUNCTION,
      {
        actions: [
          'lambda:GetFunctionConcurrency',
          'lambda:GetFunctionConfiguration',
          'lambda:ListEventSourceMappings',
          'lambda:ListProvisionedConcurrencyConfigs',
          'lambda:ListTags',
        ],
        resources: ['*'],
        why: 'the function, its concurrency and what invokes it (the mappings have no resource level)',
      },
    ],
    write: [
      {
        actions: ['lambda:DeleteProvisionedConcurrencyConfig', 'lambda:PutFunctionConcurrency'],
        resources: [FUNCTIONS],
        why: 'throttles the function, and restores a reserved concurrency',
        worst: "stops any function that is not Firebreak's: an outage",
      },
    ],
    undo: [
      {
        actions: ['lambda:DeleteFunctionConcurrency', 'lambda:PutProvisionedConcurrencyConfig'],
        resources: [FUNCTIONS],
        why: 'restores what was not reserved, or provisioned',
        worst: 'lets any throttled function run again; cost of provisioned concurrency',
      },
    ],
  },
  proofDelaySeconds: 5,
  state: functionState,
  targetOf: functionOf,
  read: readFunction,
  plan: planThrottle,
  kinds: KINDS,
  verify: proveThrottle,
  evidence: (target, aws) => functionDocuments(aws, target.id),
});

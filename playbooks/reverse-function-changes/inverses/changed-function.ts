import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { functionOf } from '../../common/changes/lambda-function.ts';
import { CODE_CHANGED, CONFIGURED, LAMBDA, lambdaFunction } from '../functions.ts';

/** Members of a request that let other code in, or give the function other rights or secrets. */
const OPEN: Readonly<Record<string, string>> = {
  role: 'role, which Firebreak does not pass',
  imageConfig: 'command of its container image',
  fileSystemConfigs: 'file systems',
  kMSKeyArn: 'key',
  vpcConfig: 'network',
};

/** A role is not passed to a function, and a container image is in a repository that may have changed as well. */
export const changedFunction = defineByHand({
  id: 'changed-function',
  danger: 'persists',
  calls: { source: LAMBDA, names: [CODE_CHANGED, CONFIGURED, 'DeleteFunction20150331'] },
  does: 'role, network, file systems, key and container image are set again from your template, or from a published version; a deleted function is deployed again',
  next(call, scope) {
    const { name: event, region, request, response } = call;
    const of = lambdaFunction.safeParse({ function: functionOf(request, scope).function }).data;
    if (!of) return undefined;
    if (event.startsWith('DeleteFunction'))
      return {
        what: `function ${of.function} was deleted (${said(call)})`,
        next: 'Deploy it again from your template.',
      };
    const changed =
      event === CONFIGURED
        ? Object.keys(OPEN).flatMap((member) => (request[member] === undefined ? [] : (OPEN[member] ?? [])))
        : textIn(response, 'packageType') === 'Image'
          ? ['container image']
          : [];
    if (changed.length === 0) return undefined;
    const options = { region, 'function-name': of.function };
    return {
      what: `${changed.join('; ')} of function ${of.function} was changed (${said(call)}): deploy it again, or set it as a version from before has it`,
      next: `${awsCommand('lambda list-versions-by-function', options)}`,
    };
  },
  example: {
    eventName: CONFIGURED,
    requestParameters: { functionName: 'orders', role: 'admin' },
  },
});

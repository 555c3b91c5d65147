import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** Who may write code, layers or an environment could run code with the role of any function. */
export const changedFunction = defineByHand({
  id: 'changed-function',
  danger: 'persists',
  calls: {
    source: 'lambda.amazonaws.com',
    names: [
      'UpdateFunctionCode20150331v2',
      'UpdateFunctionConfiguration20150331v2',
      'UpdateAlias20150331',
      'DeleteFunction20150331',
    ],
  },
  does: 'deploy the function again, or point its alias to a version from before; values of the environment are not in the record',
  next(call) {
    const { name: event, region, request } = call;
    const [, name = ''] =
      /(?:^|function:)([\w-]{1,64})(?::[\w$-]+)?$/.exec(textIn(request, 'functionName') ?? '') ?? [];
    if (name === '') return undefined;
    if (event.startsWith('DeleteFunction'))
      return {
        what: `function ${name} was deleted (${said(call)})`,
        next: 'Deploy it again from your template.',
      };
    const part = event.startsWith('UpdateFunctionCode')
      ? 'the code'
      : event.startsWith('UpdateAlias')
        ? 'an alias'
        : 'the configuration (handler, layers, role or environment, whose values CloudTrail does not record)';
    return {
      what: `${part} of function ${name} was changed (${said(call)}): deploy it again; versions from before`,
      next: `${awsCommand('lambda list-versions-by-function', { region, 'function-name': name })}`,
    };
  },
  example: {
    eventName: 'UpdateFunctionCode20150331v2',
    requestParameters: { functionName: 'orders', s3Bucket: 'code' },
  },
});

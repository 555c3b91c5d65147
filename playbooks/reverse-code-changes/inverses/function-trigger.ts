import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** A mapping is switched off and on again by hand: it is named by an id that only its record shows. */
export const functionTrigger = defineByHand({
  id: 'function-trigger',
  danger: 'persists',
  calls: {
    source: 'lambda.amazonaws.com',
    names: ['CreateEventSourceMapping20150331', 'UpdateEventSourceMapping20150331'],
  },
  does: 'disable the event source mapping that lets a queue or stream start the function',
  next(call) {
    const uuid =
      textIn(call.response, 'uUID') ??
      textIn(call.response, 'uuid') ??
      textIn(call.request, 'uUID') ??
      textIn(call.request, 'uuid');
    if (uuid === undefined || !/^[0-9a-f-]{36}$/.test(uuid)) return undefined;
    const what = `an event source of a function was made or changed (${said(call)})`;
    const next = awsCommand('lambda update-event-source-mapping', {
      region: call.region,
      uuid,
      'no-enabled': true,
    });
    return { what, next: `${next}` };
  },
  example: {
    eventName: 'CreateEventSourceMapping20150331',
    requestParameters: { functionName: 'refresh' },
    responseElements: { uUID: '1234abcd-12ab-34cd-56ef-1234567890ab' },
  },
});

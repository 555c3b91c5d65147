import { firstOf } from '../../../core/words.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, itemsIn, textIn } from '../../common/changes/inverse.ts';

/** An instance cannot be started again; what it ran may be in a snapshot. */
export const terminatedInstance = defineByHand({
  id: 'terminated-instance',
  danger: 'destroys',
  calls: { source: 'ec2.amazonaws.com', names: ['TerminateInstances'] },
  does: 'a terminated instance is gone: start another from its image or from a snapshot of its volumes',
  next(call) {
    const ids = itemsIn(call.request, 'instancesSet')
      .map((one) => textIn(one, 'instanceId') ?? '')
      .filter((one) => /^i-[0-9a-f]{8,17}$/.test(one));
    if (ids.length === 0) return undefined;
    return {
      what: `${firstOf(ids, 5, String)} terminated (${said(call)})`,
      next: 'Start instances from their images, or from snapshots of their volumes.',
    };
  },
  example: {
    eventName: 'TerminateInstances',
    requestParameters: { instancesSet: { items: [{ instanceId: 'i-0123456789abcdef0' }] } },
  },
});

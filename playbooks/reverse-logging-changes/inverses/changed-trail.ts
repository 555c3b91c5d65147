import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { nameOf, trail, trailIn } from '../trail.ts';

/** Who may write a trail could send its records to another bucket, or let it end. */
export const changedTrail = defineByHand({
  id: 'changed-trail',
  danger: 'blinds',
  calls: {
    source: 'cloudtrail.amazonaws.com',
    names: ['UpdateTrail', 'DeleteTrail', 'DeleteEventDataStore', 'StopEventDataStoreIngestion'],
  },
  does: 'compare the trail with your template; one that was deleted is created again, and its files stay in the bucket',
  next(call, scope) {
    const { name, region, request } = call;
    if (name.includes('EventDataStore')) {
      const store = textIn(request, 'eventDataStore') ?? '';
      if (!/^[\w:/-]{1,200}$/.test(store)) return undefined;
      const options = { region, 'event-data-store': store };
      const does = name.startsWith('Delete')
        ? 'restore-event-data-store'
        : 'start-event-data-store-ingestion';
      return {
        what: `event data store ${store} was stopped or deleted (${said(call)})`,
        next: `${awsCommand(`cloudtrail ${does}`, options)}`,
      };
    }
    const of = trail.safeParse(trailIn(request, 'name', scope)).data;
    if (!of) return undefined;
    if (name === 'DeleteTrail')
      return {
        what: `trail ${nameOf(of)} was deleted (${said(call)})`,
        next: 'Create it again from your template: what it recorded and where is not known here.',
      };
    const command = awsCommand('cloudtrail describe-trails', { region, 'trail-name-list': of.trail });
    return {
      what: `bucket, key or Regions of trail ${nameOf(of)} may have been changed (${said(call)}): compare it with your template`,
      next: `${command}`,
    };
  },
  example: { eventName: 'DeleteTrail', requestParameters: { name: 'audit' } },
});

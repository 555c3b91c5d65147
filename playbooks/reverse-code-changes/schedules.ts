/** How records and EventBridge Scheduler name a schedule: by `name` and `groupName` [M-LAB]. */
import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { textIn } from '../common/changes/inverse.ts';

export const SCHEDULER = 'scheduler.amazonaws.com';
export const SCHEDULES = 'arn:${Partition}:scheduler:${Region}:${Account}:schedule/*';

const DEFAULT = 'default';
const name = z.string().regex(/^[\w.-]{1,64}$/);
export const schedule = z.strictObject({ group: name, schedule: name });
export type Schedule = z.infer<typeof schedule>;

export const scheduleIn = (request: JsonObject) => ({
  group: textIn(request, 'groupName') ?? DEFAULT,
  schedule: textIn(request, 'name'),
});

export const scheduleText = ({ group, schedule: of }: Schedule): string =>
  group === DEFAULT ? `schedule ${of}` : `schedule ${of} of group ${group}`;

/** How records name a trail: by its name or its ARN [M-LAB]. */
import { z } from 'zod';
import { arn, type Scope } from '../../core/aws/arn.ts';
import { awsCommand } from '../../core/aws/command-line.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { textIn } from '../common/changes/inverse.ts';
import type { TrailArgs } from '../common/logging/selectors.ts';
import { unlessGone as found } from '../common/unless-gone.ts';

export const SOURCE = 'cloudtrail.amazonaws.com';
export const TRAILS = 'arn:${Partition}:cloudtrail:*:${Account}:trail/*';

export const trail = z.strictObject({
  /** By its ARN, under which CloudTrail lists its calls. */
  trail: z.string().regex(/^arn:[a-z-]+:cloudtrail:[a-z0-9-]+:\d{12}:trail\/[A-Za-z0-9][\w.-]{2,127}$/),
});
export type Trail = z.infer<typeof trail>;

/** Returns the trail that a call names by its name or its ARN: it is changed in its home Region alone. */
export function trailIn(request: JsonObject, member: string, scope: Scope): { readonly trail: string } {
  const given = textIn(request, member) ?? '';
  return { trail: given.startsWith('arn:') ? given : arn(scope, 'cloudtrail', `trail/${given}`) };
}

export const nameOf = ({ trail: of }: Trail): string => of.split('/').at(-1) ?? of;
/** The step that creates a deleted trail again: what it logs, and that it does, comes after. */
export const needsTrail = (one: Trail, made: { readonly inverse: string; readonly resource: JsonObject }) =>
  made.inverse === 'changed-trail' && made.resource['trail'] === one.trail;

/** Why undo leaves a trail that a reversal created again. */
export const keptTrail = (one: Trail, region: string): string =>
  `Firebreak deletes no trail: ${awsCommand('cloudtrail delete-trail', { region, name: one.trail })}`;

export const argsOf = ({ trail: trailArn }: Trail, homeRegion: string): TrailArgs => ({
  trailArn,
  homeRegion,
});

/** Returns what the work found; null where the trail is gone. */
export const unlessGone = async <T>(work: Promise<T>): Promise<T | null> =>
  (await found(work, (error) => awsErrorName(error) === 'TrailNotFoundException')) ?? null;

/**
 * What a responder asks about every incident, whatever its playbook: what the principal did around it, which ATT&CK
 * technique it is, whose resource it is, where to look further. Gathered once, next to the containment, never before it.
 */

import { z } from 'zod';
import type { Aws } from '../aws/client.ts';
import type { Finding } from '../finding/finding.ts';
import type { Members } from '../table/record.ts';
import { type Activity, activityOf } from './activity.ts';
import { type AttackMapping, attackOf } from './attack.ts';
import { type ConsoleLink, consoleLinks } from './console-links.ts';
import type { Incident } from './incident.ts';
import { type ModelUse, modelUseOf, modelUseSchema } from './model-use.ts';

export interface IncidentContext {
  /** When it was gathered, ISO 8601. */
  readonly at: string;
  readonly activity: Activity;
  /** Of a finding about AI models. */
  readonly models?: ModelUse;
  readonly attack: readonly AttackMapping[];
  readonly links: readonly ConsoleLink[];
  /** Live tags of the targets; where they could not be read, those in the finding. Untrusted. */
  readonly tags: Readonly<Record<string, string>>;
  /** Value of the first tag that names an owner. */
  readonly owner?: string;
}

export const contextSchema: z.ZodType<IncidentContext> = z.object({
  at: z.string(),
  activity: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('read'),
      of: z.string(),
      from: z.string(),
      to: z.string(),
      events: z.array(
        z.object({
          at: z.string(),
          name: z.string(),
          source: z.string(),
          region: z.string(),
          ip: z.string().exactOptional(),
          agent: z.string().exactOptional(),
          error: z.string().exactOptional(),
          readOnly: z.boolean(),
        }),
      ),
      more: z.boolean(),
    }),
    z.object({ kind: z.literal('not-read'), why: z.string() }),
  ]),
  models: modelUseSchema.exactOptional(),
  attack: z.array(
    z.object({
      kind: z.enum(['tactic', 'technique']),
      id: z.string(),
      name: z.string(),
      url: z.string().exactOptional(),
    }),
  ),
  links: z.array(z.object({ label: z.string(), url: z.string() })),
  tags: z.record(z.string(), z.string()),
  owner: z.string().exactOptional(),
} satisfies Members<IncidentContext>);

/** Tag keys by which organisations name who answers for a resource, the most telling first. */
const OWNER_TAGS = ['owner', 'team', 'contact', 'service-owner', 'squad', 'application', 'service'];

export async function contextOf(
  finding: Finding,
  incident: Incident,
  aws: Aws,
  now: Date,
): Promise<IncidentContext> {
  const tags = tagsOf(finding, incident);
  const owner = ownerOf(tags);
  const [activity, models] = await Promise.all([
    activityOf(finding, aws, now),
    modelUseOf(finding, aws, now),
  ]);
  return {
    at: now.toISOString(),
    activity,
    ...(models === undefined ? {} : { models }),
    attack: attackOf(finding),
    links: consoleLinks(finding),
    tags,
    ...(owner === undefined ? {} : { owner }),
  };
}

function tagsOf(finding: Finding, incident: Incident): Record<string, string> {
  const live = incident.targets.flatMap(({ plan }) =>
    plan?.kind === 'plan' ? Object.entries(plan.tags) : [],
  );
  const given = live.length > 0 ? live : Object.entries(finding.instance?.tags ?? {});
  return Object.fromEntries(given.slice(0, 50).map(([key, value]) => [key, value.slice(0, 256)]));
}

function ownerOf(tags: Readonly<Record<string, string>>): string | undefined {
  const lower = new Map(Object.entries(tags).map(([key, value]) => [key.toLowerCase(), value]));
  return OWNER_TAGS.map((key) => lower.get(key)).find((value) => value !== undefined && value !== '');
}

/** What policy.yml may say. policy.schema.json is generated from this. */
import { z } from 'zod';
import { parseRange } from '../addresses.ts';
import { duration } from './duration.ts';

const severity = z.enum(['low', 'medium', 'high', 'critical']);
const decision = z.enum(['record', 'notify', 'ask', 'auto']);
const text = z.string().min(1);
const texts = z
  .union([text, z.array(text).min(1)])
  .transform((value) => (Array.isArray(value) ? value : [value]));
const positive = z.number().int().positive();

const match = z
  .strictObject({
    type: texts.optional().describe('Finding types; * matches any run of characters.'),
    resourceRole: z
      .enum(['TARGET', 'ACTOR'])
      .optional()
      .describe('The part the resource plays: attacked or attacking.'),
    account: texts.optional(),
    region: texts.optional(),
    remoteAccountAffiliated: z
      .boolean()
      .optional()
      .describe(
        'true: GuardDuty says that the calling account is affiliated; false: that it is not. Neither matches where it does not say.',
      ),
    remoteInside: z
      .boolean()
      .optional()
      .describe(
        'true: every remote address is a private one, of a host inside; false: at least one is on the internet. Neither matches where the finding names none.',
      ),
    threats: texts
      .optional()
      .describe(
        'Every threat that a malware scan names matches one of these; * matches any run of characters.',
      ),
    principalUnderIncident: z
      .boolean()
      .optional()
      .describe('Another open incident (asked or contained, within 7 days) is about the same principal.'),
    sample: z.boolean().optional(),
    archived: z.boolean().optional(),
  })
  .describe('Every condition given must hold.');

/** A playbook alone is asked about. `auto` is what the rule decided at most, and the gates can lower it as ever. */
function followUpsOf(id: z.ZodType<string, string>) {
  const followUp = z.union([
    id.transform((playbook) => ({ playbook, decide: 'ask' as const })),
    z.strictObject({ playbook: id, decide: z.enum(['ask', 'auto']) }),
  ]);
  return z
    .union([followUp, z.array(followUp).min(1)])
    .transform((value) => (Array.isArray(value) ? value : [value]))
    .optional()
    .describe(
      'Playbooks that follow once the containment of this rule has settled: asked, unless it says auto.',
    );
}

const bySeverity = z.strictObject({ low: decision, medium: decision, high: decision, critical: decision });

const rule = z.strictObject({
  name: text.describe('Shown with every decision this rule makes.'),
  match,
  decide: z.union([decision, bySeverity]).describe('One word, or one per severity.'),
  onExpiry: z
    .enum(['contain', 'escalate'])
    .optional()
    .describe('What happens when no one answers an ask in time.'),
  timeout: duration.optional(),
  approvals: z.union([z.literal(1), z.literal(2)]).optional(),
  page: z.boolean().optional().describe('Page a person as well.'),
  followUp: followUpsOf(text),
  why: text.optional(),
});

const person = z
  .string()
  .regex(
    /^[UWS][A-Z0-9]{2,}$/,
    'expected a Slack user id such as U012ABCDEF, or a user group id such as S012ABCDEF',
  );
const approverRule = z.strictObject({
  who: z.array(person).min(1).describe('Slack user ids (U…, W…) and user group ids (S…).'),
  account: texts.optional(),
  environment: z
    .union([text, z.array(text).min(1)])
    .transform((value) => (Array.isArray(value) ? value : [value]).map((name) => name.toLowerCase()))
    .optional()
    .describe('Value of the tag environment, env or stage on the live target.'),
  severity: z
    .union([severity, z.array(severity).min(1)])
    .transform((value) => (Array.isArray(value) ? value : [value]))
    .optional(),
});

/** Forms that prove one person: anyone who may assume another role chooses the name of its session. */
const PERSONAL = [
  /^arn:[^:]+:iam::\d{12}:user\/\S+$/,
  /^arn:[^:]+:iam::\d{12}:role\/(?!aws-reserved\/)\S+$/,
  /^arn:[^:]+:sts::\d{12}:assumed-role\/AWSReservedSSO_[^/\s]+\/[^/\s]+$/,
];
const people = z
  .array(
    z.strictObject({
      slack: z.string().regex(/^[UW][A-Z0-9]{2,}$/, 'expected a Slack user id such as U012ABCDEF'),
      arn: z
        .string()
        .refine(
          (arn) => PERSONAL.some((form) => form.test(arn)),
          'expected an IAM user, a role of one person, or a session of IAM Identity Center (assumed-role/AWSReservedSSO_…/NAME)',
        ),
    }),
  )
  .default([])
  .superRefine((all, context) => {
    all.forEach(({ arn, slack }, index) => {
      const other = all.slice(0, index).find((one) => one.arn === arn && one.slack !== slack);
      if (!other) return;
      const message = `${arn} is ${other.slack} already: one identity is one person`;
      context.addIssue({ code: 'custom', path: [index, 'arn'], message });
    });
  })
  .describe('Who in Slack an AWS identity is: a person counts once, whichever way they come.');

export const policySchema = z.strictObject({
  version: z.literal(1),
  people,
  approvers: z
    .union([z.array(person).transform((who) => (who.length > 0 ? [{ who }] : [])), z.array(approverRule)])
    .default([])
    .describe('Who may approve and undo: ids, or rules of which the first that fits names them.'),
  breakGlass: z
    .array(person)
    .default([])
    .describe('Who may contain on their word alone; everyone is paged when someone does.'),
  mode: z
    .enum(['enforce', 'observe'])
    .default('enforce')
    .describe(
      'The mode a new stack starts in; `firebreak mode` switches it afterwards. observe: decide and notify, change nothing and request no approval.',
    ),
  killSwitch: z.boolean().default(false).describe('True: nothing is contained automatically.'),
  verifyFinding: z
    .enum(['required', 'best-effort', 'off'])
    .default('required')
    .describe(
      'Read the finding back from GuardDuty before anything automatic. required: what cannot be read is asked about; best-effort: only what differs is.',
    ),
  reprove: z
    .union([duration, z.literal('off')])
    .default(900)
    .describe(
      'How often a confirmed containment is read again; less often as it gets older. off: on updates of the finding alone.',
    ),
  archiveContained: z
    .boolean()
    .default(false)
    .describe('Archive the finding in GuardDuty once contained is proven.'),
  sendOcsf: z
    .boolean()
    .default(false)
    .describe('Send every incident as an OCSF Incident Finding to EventBridge as well, for data lakes.'),
  tellSecurityHub: z
    .boolean()
    .default(false)
    .describe('Write the outcome to the finding in Security Hub, where it is switched on.'),
  approval: z
    .strictObject({
      timeout: duration.default(1800),
      onExpiry: z.enum(['contain', 'escalate']).default('escalate'),
      escalateTo: z
        .strictObject({
          channel: z
            .string()
            .regex(/^[CG][A-Z0-9]{2,}$/, 'expected a Slack channel id such as C012ABCDEF')
            .optional(),
          mention: z.array(person).default([]),
        })
        .prefault({})
        .describe(
          'Second tier: notified at half time (high and critical) or at three quarters; without a channel the page topic alone is.',
        ),
    })
    .prefault({}),
  exempt: z
    .strictObject({
      accounts: z.array(z.string().regex(/^\d{12}$/, 'expected an account id of 12 digits')).default([]),
      arns: z
        .array(text)
        .default([])
        .describe(
          'ARNs that are never touched. One with * in its last part lowers auto to ask only: names are for anyone to choose.',
        ),
      tag: text.default('firebreak:exempt').describe('Lowers auto to ask only: an attacker can write tags.'),
    })
    .prefault({}),
  protected: z
    .array(text)
    .default([])
    .describe(
      'What no playbook changes: ARNs, role/PATH/NAME or user/PATH/NAME, without * in the last part. Bare names and patterns lower auto to ask only: names are for anyone to choose.',
    ),
  trusted: z
    .array(
      text.refine(
        (range) => parseRange(range) !== undefined,
        'expected an address or a range such as 192.0.2.0/24',
      ),
    )
    .default([])
    .describe(
      "Addresses of your own: lower auto to ask, and are never blocked. GuardDuty's trusted lists count as well; what `firebreak lists` did not put there only lowers.",
    ),
  blastRadius: z
    .strictObject({ default: positive.default(1), playbooks: z.record(z.string(), positive).default({}) })
    .prefault({}),
  circuitBreaker: z
    .strictObject({
      perAccountPerHour: positive.default(10),
      perKindPerHour: positive.default(5).describe('Of one playbook, of one principal and of one resource.'),
    })
    .prefault({}),
  playbooks: z
    .record(
      z.string(),
      z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
    )
    .default({}),
  rules: z.array(rule).min(1).describe('The first rule that matches decides.'),
});
export type PolicyDocument = z.output<typeof policySchema>;
export type PolicyRule = PolicyDocument['rules'][number];

/** Playbooks and composites by id, each with the settings it takes; those of one that takes none are an empty object. */
export type KnownPlaybooks = ReadonlyMap<string, z.ZodType>;

/** Returns the schema for a place that knows the playbooks: ids and settings are checked as well. It only judges. */
export function policySchemaWith(known: KnownPlaybooks) {
  const id = z.enum([...known.keys()]);
  return policySchema.extend({
    blastRadius: z
      .strictObject({ default: positive.default(1), playbooks: z.partialRecord(id, positive).default({}) })
      .prefault({}),
    playbooks: z
      .strictObject(
        Object.fromEntries([...known].map(([name, settings]) => [name, settings.optional()] as const)),
      )
      .default({}),
    rules: z.array(rule.extend({ followUp: followUpsOf(id) })).min(1),
  });
}

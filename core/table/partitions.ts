/**
 * The partitions of the table, by what they hold. IAM tells items apart by their partition key alone
 * (`dynamodb:LeadingKeys`), so what different functions may write stands in partitions of different names:
 * deploy/access.ts says who writes which.
 */
export const PARTITIONS = {
  /** The incident as people follow it: status, outcomes, timeline, calls. Nothing on AWS is changed on its account. */
  incident: 'INCIDENT#',
  /** The finding as it was delivered last. */
  finding: 'FINDING#',
  /** When the sweep looks next at an incident that is not over. */
  work: 'WORK#',
  /** What is acted on: which targets by which playbook, their live state and steps; and what an undo may overwrite. */
  plan: 'PLAN#',
  /** What policy decided about the finding. */
  verdict: 'VERDICT#',
  /** Counters of days and months, in shards: each incident of the account writes the same day. */
  count: 'COUNT#',
  /** Where earlier releases kept them: still read. */
  counts: 'COUNTS',
  monthCounts: 'COUNTS#MONTH',
  /** Who holds a resource, and the journal of what was changed there. */
  hold: 'HOLD#',
  lease: 'LEASE#',
  /** When a containment expires. */
  lapse: 'LAPSE#',
  /** When a confirmed containment is read again. */
  reproof: 'REPROOF#',
  /** Approvals, with the task tokens. */
  approval: 'DECISION#',
  killSwitch: 'KILL-SWITCH',
  /** Whether Firebreak acts or only observes, and who switched it. */
  mode: 'MODE',
  /** What people set with the command: removed approvers, the copy of the trusted lists. No function writes it. */
  config: 'CONFIG',
  /** Changes of address lists, by the command as well. */
  list: 'LIST#',
  breaker: 'BREAKER#',
  principal: 'PRINCIPAL#',
  intake: 'INTAKE#',
  /** Counts of malware scans. */
  scan: 'SCAN#',
  canary: 'CANARY',
  /** Modals that were opened in Slack. */
  ticket: 'TICKET#',
  owedCard: 'CARD#',
  /** Under which card the cards of one resource stand. */
  conversation: 'CONVERSATION#',
  /** What a Slack user asked for, as the endpoint recorded it, and what a person with AWS credentials wrote themselves. */
  slackDoor: 'DOOR#slack#',
  awsDoor: 'DOOR#aws#',
  progress: 'PROGRESS#',
} as const;

export type Partition = keyof typeof PARTITIONS;

/** Returns the partition key of a record. */
export const partitionKey = (partition: Partition, id = ''): string => `${PARTITIONS[partition]}${id}`;

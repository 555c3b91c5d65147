/** Modals that ask for more before something is done. Each says first what pressing its button will do. */

import { partsOf } from '../core/approval/parts.ts';
import { deadlineWords, expiryOf } from '../core/incident/brief.ts';
import type { Incident } from '../core/incident/incident.ts';
import { playbookWords, shortName } from '../core/incident/names.ts';
import { statusWords } from '../core/incident/status.ts';
import { visible } from '../core/invisible.ts';
import { counted } from '../core/words.ts';
import { INPUTS, VIEWS, type ViewName } from './actions.ts';
import {
  context,
  type InputBlock,
  list,
  type Modal,
  type Option,
  option,
  plain,
  section,
  type ViewBlock,
} from './block-kit.ts';
import { code, LIMITS, middle, untrusted, when } from './text.ts';
import { slackWords } from './words.ts';

interface Form {
  readonly view: ViewName;
  readonly ticket: string;
  readonly title: string;
  readonly blocks: readonly ViewBlock[];
  /** Without it there is nothing to submit. */
  readonly submit?: string;
  readonly close?: string;
}

const form = ({ view, ticket, title, blocks, submit, close = 'Cancel' }: Form): Modal => ({
  type: 'modal',
  callback_id: VIEWS[view],
  private_metadata: ticket,
  title: plain(title, LIMITS.viewTitle),
  close: plain(close, LIMITS.viewTitle),
  ...(submit ? { submit: plain(submit, LIMITS.viewTitle) } : {}),
  blocks,
});

const REASON_LENGTH = 1000;
const reason = (label: string, hint: string): InputBlock => ({
  type: 'input',
  block_id: INPUTS.reason,
  label: plain(label, LIMITS.label),
  hint: plain(hint, LIMITS.label),
  element: {
    type: 'plain_text_input',
    action_id: INPUTS.reason,
    multiline: true,
    min_length: 3,
    max_length: REASON_LENGTH,
  },
});

const about = ({ title, display, account, region }: Incident): ViewBlock =>
  section(
    `*${untrusted(title)}*\n${code(middle(shortName(display), 150))} in account ${code(account)}, ${untrusted(region)}`,
  );

const endsAt = (incident: Incident): string =>
  incident.approval ? slackWords(deadlineWords(expiryOf(incident.approval, incident))) : '';

export const denyForm = (ticket: string, incident: Incident): Modal => {
  const undo = incident.approval?.purpose === 'undo';
  return form({
    view: 'deny',
    ticket,
    title: undo ? 'Deny the undo' : 'Deny containment',
    submit: 'Deny',
    blocks: [
      about(incident),
      section(
        undo
          ? 'The containment stays as it is.'
          : '*Nothing is contained*: the attacker keeps what they have until an operator acts.',
      ),
      reason('Why?', 'Stands on the card and in the history: the next person reads it.'),
    ],
  });
};

const escalation = ({ approval }: Incident): string =>
  approval?.escalatedAt ? 'already' : approval ? when(approval.escalateAt) : 'as policy says';

/** Minutes that a reminder can be put off. */
const SNOOZES = [
  ['15 minutes', 15],
  ['30 minutes', 30],
  ['1 hour', 60],
  ['2 hours', 120],
  ['4 hours', 240],
] as const;

export const snoozeForm = (ticket: string, incident: Incident): Modal => {
  const options = SNOOZES.map(([text, minutes]) => option(text, String(minutes)));
  return form({
    view: 'snooze',
    ticket,
    title: 'Snooze the reminders',
    submit: 'Snooze',
    blocks: [
      about(incident),
      section(
        `Only the next reminder waits. The second tier is called ${escalation(incident)}. ${endsAt(incident)}`,
      ),
      {
        type: 'input',
        block_id: INPUTS.minutes,
        label: plain('No reminder for', LIMITS.label),
        element: {
          type: 'static_select',
          action_id: INPUTS.minutes,
          options,
          ...(options[0] ? { initial_option: options[0] } : {}),
        },
      },
    ],
  });
};

/** A modal's other blocks take a few of its places. */
const MOST_GROUPS = LIMITS.viewBlocks - 5;

/** Checkboxes of the containing steps: what is not chosen is not touched. */
export const approvePartForm = (ticket: string, incident: Incident): Modal => {
  const groups = groupsOf(incident);
  if (groups.length === 0) {
    return form({
      view: 'approvePart',
      ticket,
      title: 'Approve part',
      close: 'Close',
      blocks: [section('There is nothing that Firebreak could contain.')],
    });
  }
  const unable = incident.targets.filter(
    ({ plan, problem }) => plan?.kind !== 'plan' || problem !== undefined,
  );
  return form({
    view: 'approvePart',
    ticket,
    title: 'Approve part',
    submit: 'Contain chosen',
    blocks: [
      about(incident),
      section(
        'Only what you choose is contained. The rest is *not* touched, and the card says so. Evidence and preparation go along on their own.',
      ),
      ...groups.slice(0, MOST_GROUPS).map(
        ({ label, options }, index): InputBlock => ({
          type: 'input',
          // Each may be left empty, all of them may not.
          block_id: index === 0 ? INPUTS.parts : `${INPUTS.parts}-${index}`,
          optional: true,
          label: plain(label, LIMITS.label),
          element: { type: 'checkboxes', action_id: INPUTS.parts, options },
        }),
      ),
      ...(unable.length > 0
        ? [context(`${counted(unable.length, 'more target')} cannot be contained: see Details.`)]
        : []),
      ...(groups.length > MOST_GROUPS
        ? [
            context(
              'There is more than fits here: what is not shown is not contained. Details has all of it.',
            ),
          ]
        : []),
    ],
  });
};

interface Group {
  readonly label: string;
  readonly options: readonly Option[];
}

/** Targets with one containing step share groups; one with several has its own. Ten to a group, as Slack allows. */
function groupsOf(incident: Incident): readonly Group[] {
  const all = partsOf(incident);
  const single: Option[] = [];
  const own: Group[] = [];
  for (const target of new Set(all.map((part) => part.target))) {
    const parts = all.filter((part) => part.target === target);
    const [first] = parts;
    if (first === undefined) continue;
    const name = visible(shortName(first.display));
    if (parts.length === 1) {
      single.push(
        option(middle(name, LIMITS.option), first.key, middle(visible(first.step.describe), LIMITS.option)),
      );
    } else {
      const steps = parts.map(({ key, step }) => option(middle(visible(step.describe), LIMITS.option), key));
      own.push(...inTens(steps).map((options) => ({ label: middle(name, 150), options })));
    }
  }
  return [...inTens(single).map((options) => ({ label: 'Contain', options })), ...own];
}

const inTens = <T>(all: readonly T[]): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / LIMITS.checkboxes) }, (_, index) =>
    all.slice(index * LIMITS.checkboxes, (index + 1) * LIMITS.checkboxes),
  );

export const breakGlassForm = (ticket: string, incident: Incident): Modal =>
  form({
    view: 'breakGlass',
    ticket,
    title: 'Break glass',
    submit: 'Contain now',
    blocks: [
      about(incident),
      section(
        [
          '🚨 *Contains at once, on your word alone.* No second person is waited for.',
          'Everybody on call is paged with your name and your reason, and it stays in the history.',
          `Proposed action: ${[...new Set(incident.targets.map(({ playbook }) => untrusted(playbookWords(playbook))))].join(', ') || 'nothing'} on ${counted(incident.targets.length, 'target')}.`,
        ].join('\n'),
      ),
      reason('Why can it not wait for the others?', 'Everybody on call reads this sentence.'),
    ],
  });

export interface SuppressContent {
  readonly incident: Incident;
  /** Attribute of a finding, as GuardDuty's filters spell it -> the value it must have. */
  readonly criterion: Readonly<Record<string, string>>;
  /** What the filter would have hidden in the last 90 days, newest first. */
  readonly hidden: readonly {
    readonly incident: Pick<Incident, 'id' | 'createdAt' | 'status'>;
    readonly contained: boolean;
  }[];
}

const HIDDEN_SHOWN = 10;

/** Says first what would never have been heard of, then asks why. */
export function suppressForm(ticket: string, { incident, criterion, hidden }: SuppressContent): Modal {
  const contained = hidden.filter((each) => each.contained).length;
  const lines = hidden
    .slice(0, HIDDEN_SHOWN)
    .map(
      ({ incident: each, contained: was }) =>
        `${when(each.createdAt)} ${code(each.id)} ${was ? `*${statusWords(each.status)}*` : statusWords(each.status)}`,
    );
  const rest = hidden.length - lines.length;
  return form({
    view: 'suppress',
    ticket,
    title: 'Suppress similar',
    submit: 'Suppress',
    blocks: [
      section(
        'GuardDuty archives findings like this one *unseen*: Firebreak will never hear of them, and no one is notified.',
      ),
      ...list(
        '*Similar means*',
        Object.entries(criterion).map(([name, value]) => `${untrusted(name)} = ${code(middle(value, 200))}`),
      ),
      ...list(
        `*In the last 90 days it would have hidden ${counted(hidden.length, 'incident')} of ${untrusted(incident.type)}*`,
        rest > 0
          ? [...lines, `and ${rest} more: \`npx firebreak suppress ${incident.id}\` lists them`]
          : lines,
      ),
      ...(contained > 0
        ? [
            section(
              `⚠️ *${contained === 1 ? '1 of them was' : `${contained} of them were`} contained: that was no noise.*`,
            ),
          ]
        : []),
      reason('Why is it noise?', 'Stands in the history, and in the description of the filter.'),
    ],
  });
}

/** There is nothing to fill in: why not. */
export const refusedForm = (view: ViewName, ticket: string, title: string, why: string): Modal =>
  form({ view, ticket, title, close: 'Close', blocks: [section(`⚠️ ${untrusted(why)}`)] });

/** Opens at once while the worker reads what it will show. */
export const readingForm = (view: ViewName, ticket: string, { id }: Incident): Modal =>
  form({ view, ticket, title: id, close: 'Close', blocks: [section(`Reading ${id} …`)] });

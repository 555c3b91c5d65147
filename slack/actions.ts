/**
 * What a person can press, fill in and type: the one list from which cards and modals are made and requests are parsed.
 * A button carries an opaque id and nothing else; what it is an id of is said here.
 */

export interface ActionKind {
  /** `action_id` of the button. */
  readonly id: string;
  /** The button's value is the id of this; `page` is pressed inside the details modal and names a page of it. */
  readonly about: 'decision' | 'incident' | 'page';
  /** approver: may decide this incident · responder: may decide any · break-glass: on that list of policy.yml. */
  readonly for: 'approver' | 'responder' | 'break-glass';
  /** Asks for more before it does anything: the `callback_id` of the modal it opens. */
  readonly opens?: ViewName;
}

export const VIEWS = {
  approvePart: 'firebreak_view_approve_part',
  deny: 'firebreak_view_deny',
  snooze: 'firebreak_view_snooze',
  suppress: 'firebreak_view_suppress',
  details: 'firebreak_view_details',
  breakGlass: 'firebreak_view_break_glass',
} as const;
export type ViewName = keyof typeof VIEWS;

export const ACTION_KINDS = {
  approve: { id: 'firebreak_approve', about: 'decision', for: 'approver' },
  approvePart: {
    id: 'firebreak_approve_part',
    about: 'decision',
    for: 'approver',
    opens: 'approvePart',
  },
  deny: { id: 'firebreak_deny', about: 'decision', for: 'approver', opens: 'deny' },
  snooze: { id: 'firebreak_snooze', about: 'decision', for: 'approver', opens: 'snooze' },
  breakGlass: { id: 'firebreak_break_glass', about: 'decision', for: 'break-glass', opens: 'breakGlass' },
  suppress: { id: 'firebreak_suppress', about: 'incident', for: 'approver', opens: 'suppress' },
  undo: { id: 'firebreak_undo', about: 'incident', for: 'approver' },
  own: { id: 'firebreak_own', about: 'incident', for: 'approver' },
  details: { id: 'firebreak_details', about: 'incident', for: 'responder', opens: 'details' },
  detailsPage: { id: 'firebreak_details_page', about: 'page', for: 'responder' },
} as const satisfies Readonly<Record<string, ActionKind>>;
export type ActionName = keyof typeof ACTION_KINDS;

const names = Object.keys(ACTION_KINDS) as readonly ActionName[];

/** `action_id` by name. */
export const ACTIONS = Object.fromEntries(
  names.map((name) => [name, ACTION_KINDS[name].id]),
) as unknown as Readonly<{ [Name in ActionName]: (typeof ACTION_KINDS)[Name]['id'] }>;

/**
 * An overflow menu or a select has one `action_id` for all its options: this one. The option's value is made by
 * `optionValue`, and says which action of the list it stands for.
 */
export const MENU = 'firebreak_menu';
export const optionValue = (action: ActionName, id: string): string => `${action}:${id}`;

/** Which action a pressed element stands for, with the id it carries; undefined for what is none of ours. */
export function actionOf(
  actionId: string,
  value: string,
): { readonly action: ActionName; readonly id: string } | undefined {
  if (actionId === MENU) {
    const [name, id] = [value.slice(0, value.indexOf(':')), value.slice(value.indexOf(':') + 1)];
    const action = names.find((known) => known === name);
    return action && { action, id };
  }
  const action = names.find((known) => ACTION_KINDS[known].id === actionId);
  return action && { action, id: value };
}

/**
 * `block_id` and `action_id` of what modals ask for. Checkboxes take ten options at most: further ones go into blocks
 * `parts-1`, `parts-2`, all read together.
 */
export const INPUTS = { reason: 'reason', parts: 'parts', minutes: 'minutes' } as const;

/** Words after `/firebreak`. */
export const COMMANDS = [
  'status',
  'incident',
  'kill-switch',
  'mode',
  'undo',
  'simulate',
  'break-glass',
  'help',
] as const;
export type CommandName = (typeof COMMANDS)[number];

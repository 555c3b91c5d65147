/** `firebreak approvers`: who may decide what, and taking someone off every list at once, without a deploy. */
import { removedApprovers, setRemovedApprovers } from '../core/approval/approvers.ts';
import { openPlace, type PlaceOptions } from './place.ts';
import { fitting, plainText, terminal } from './terminal.ts';

export interface ApproversInput extends PlaceOptions {
  readonly remove: string | undefined;
  readonly restore: string | undefined;
  readonly json: boolean;
}

/** Exit status 2 for an id that is none. Throws FirebreakError. */
export async function approvers(input: ApproversInput): Promise<number> {
  const { remove, restore, policy, json } = input;
  const changed = remove ?? restore;
  if (changed !== undefined && !/^[UW][A-Z0-9]{2,}$/.test(changed)) {
    console.error(
      `firebreak approvers: ${JSON.stringify(changed)} is no Slack user id; one looks like U012ABCDEF`,
    );
    return 2;
  }
  const { out, paint } = terminal();
  const place = await openPlace(input);
  try {
    const before = await removedApprovers(place.table);
    const after = remove !== undefined ? [...before, remove] : before.filter((person) => person !== restore);
    if (changed !== undefined) await setRemovedApprovers(place.table, after, place.who, new Date());
    const removed = await removedApprovers(place.table);
    if (json) {
      out(JSON.stringify({ approvers: policy.approverRules, breakGlass: policy.breakGlass, removed }));
      return 0;
    }
    out(paint('bold', 'May approve and undo; the first line that fits an incident counts'));
    if (policy.approverRules.length === 0) out(paint('red', '  no one: no question can be answered'));
    for (const { who, account, environment, severity } of policy.approverRules) {
      const parts = [
        ['account', account],
        ['environment', environment],
        ['severity', severity],
      ] as const;
      const when = parts.flatMap(([name, values]) => (values ? [`${name} ${values.join(' or ')}`] : []));
      const words = `${who.join(', ')}${when.length > 0 ? `: ${when.join(', ')}` : ''}`;
      for (const line of fitting(plainText(words), '  ', '    ')) out(line);
    }
    out(`Break-glass: ${plainText(policy.breakGlass.join(', ')) || 'no one'}`);
    out(`Removed from every list: ${plainText(removed.join(', ')) || 'no one'}`);
    return 0;
  } finally {
    await place.close();
  }
}

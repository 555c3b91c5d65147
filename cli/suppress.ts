/** `firebreak suppress`: what a filter for findings like this one would have hidden, and with --yes the filter itself. */

import { parseFinding } from '../core/finding/finding.ts';
import { statusWords } from '../core/incident/status.ts';
import { incidentStore } from '../core/incident/store.ts';
import {
  suppress as makeFilter,
  suppressionFor,
  unsuppress,
  wouldHaveHidden,
} from '../core/incident/suppression.ts';
import { detectorOf } from '../core/lists/address-lists.ts';
import { openPlace, type PlaceOptions } from './place.ts';
import { plainText, terminal } from './terminal.ts';

const USAGE = `firebreak suppress INCIDENT            shows what a filter would have hidden in 90 days
firebreak suppress INCIDENT --yes      makes the filter in GuardDuty: such findings are archived unseen
firebreak suppress INCIDENT --remove   reverts it
    --live   your own account instead of the sandbox (--stage, --region)`;

export interface SuppressInput extends PlaceOptions {
  readonly operands: readonly string[];
  readonly yes: boolean;
  readonly remove: boolean;
  readonly json: boolean;
}

/** Exit status 2 for a command that is not one. Throws FirebreakError. */
export async function suppress(input: SuppressInput): Promise<number> {
  const [id, ...more] = input.operands;
  if (id === undefined || more.length > 0 || (input.yes && input.remove)) {
    console.error(USAGE);
    return 2;
  }
  const { out, paint } = terminal();
  const place = await openPlace(input);
  try {
    const store = incidentStore(place.table);
    const incident = await store.get(id);
    const finding = parseFinding(await store.finding(id));
    const suppression = suppressionFor(finding, incident);
    const aws = place.aws.inRegion(finding.region);
    if (input.remove) {
      await unsuppress(aws, finding.detectorId ?? (await detectorOf(aws)), suppression.name);
      await store.note(id, `${place.who} removed the filter ${suppression.name}`, new Date());
      out(`${suppression.name} removed: such findings arrive again`);
      return 0;
    }
    const hidden = await wouldHaveHidden(store, suppression, new Date());
    const contained = hidden.filter((each) => each.contained);
    if (input.json) {
      out(
        JSON.stringify({ ...suppression, hidden: hidden.map((each) => each.incident.id), made: input.yes }),
      );
    } else {
      out(paint('bold', `Filter ${suppression.name}: archive, unseen, every finding with`));
      for (const [name, value] of Object.entries(suppression.criterion))
        out(`  ${name} = ${plainText(value)}`);
      out(
        `In the last 90 days it would have hidden ${hidden.length} incidents of ${plainText(suppression.criterion['type'] ?? '')}:`,
      );
      for (const { incident: each, contained: was } of hidden.slice(0, 20)) {
        const status = was ? paint('red', statusWords(each.status)) : statusWords(each.status);
        out(`  ${each.createdAt} ${each.id} ${status} ${plainText(each.display ?? '')}`);
      }
      if (hidden.length > 20) out(`  and ${hidden.length - 20} more`);
      if (contained.length > 0)
        out(paint('red', `${contained.length} of them were contained: that was no noise.`));
    }
    if (!input.yes) {
      if (!input.json) out('Nothing was changed. --yes makes the filter.');
      return 0;
    }
    await makeFilter(aws, finding.detectorId ?? (await detectorOf(aws)), suppression, place.who);
    await store.note(
      id,
      `${place.who} suppressed findings like this one (filter ${suppression.name}, ${hidden.length} incidents of 90 days alike)`,
      new Date(),
    );
    if (!input.json) out(`Made. Undo it: npx firebreak suppress ${id} --remove`);
    return 0;
  } finally {
    await place.close();
  }
}

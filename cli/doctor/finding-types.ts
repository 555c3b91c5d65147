/** Does GuardDuty report types that are newer than the list that playbooks and rules were written for? */
import { incidentStore } from '../../core/incident/store.ts';
import { SCAN_RESULTS, typeCatalogue } from '../../playbooks/coverage.ts';
import { type DoctorCheck, ok, warn } from './check.ts';

const LOOK_BACK_MS = 30 * 86_400_000;
const NEWEST = 1000;

export const findingTypes: DoctorCheck = {
  name: 'finding types',
  async run({ table, now }) {
    const { asOf, types } = await typeCatalogue();
    const known = new Set([...types, ...SCAN_RESULTS].map(({ type }) => type));
    const to = now();
    const { items } = await incidentStore(table).list({
      from: new Date(to.getTime() - LOOK_BACK_MS).toISOString(),
      to: to.toISOString(),
      limit: NEWEST,
    });
    const newer = [...new Set(items.map(({ type }) => type).filter((type) => !known.has(type)))].sort();
    const list = `the list of ${types.length} types as of ${asOf}`;
    if (newer.length === 0) return [ok(`every finding of the last 30 days is of ${list}`)];
    return [
      warn(
        `seen, and newer than ${list}: ${newer.join(', ')}`,
        'Update Firebreak. Until then the rule of their family decides: npx firebreak replay FILE says which.',
      ),
    ];
  },
};

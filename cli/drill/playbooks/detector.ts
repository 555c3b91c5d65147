/** Commands that change GuardDuty itself: a filter that archives, and a threat list. Each names only what exists nowhere. */
import { isDeepStrictEqual } from 'node:util';
import { parseDetail } from '../../../core/finding/finding.ts';
import { DRILL_TAG } from '../../../core/incident/drill.ts';
import { suppress as makeFilter, suppressionFor, unsuppress } from '../../../core/incident/suppression.ts';
import { type Json, toJson } from '../../../core/json.ts';
import { addressLists, createList, detectorOf } from '../../../core/lists/address-lists.ts';
import { deleteSet } from '../../../core/lists/sets.ts';
import { detailOf } from '../engine.ts';
import { callOf, makeBucket } from '../parts.ts';
import type { Drill, Fact, Kit } from '../scene.ts';

/** Every filter of the detector with what it archives, but for its rank, which GuardDuty renumbers. */
async function filters({ aws }: Kit, DetectorId: string): Promise<Record<string, Json>> {
  const { client, api } = await aws.guardDuty();
  const { FilterNames = [] } = await client.send(new api.ListFiltersCommand({ DetectorId }));
  const read = await Promise.all(
    [...FilterNames].sort().map(async (FilterName) => {
      const { Action, Description, FindingCriteria } = await client.send(
        new api.GetFilterCommand({ DetectorId, FilterName }),
      );
      return [FilterName, toJson({ Action, Description, FindingCriteria })] as const;
    }),
  );
  return Object.fromEntries(read);
}

export const suppress: Drill = {
  playbook: 'suppress',
  command: true,
  makes: 'a filter that archives findings about a user that does not exist',
  attack: 'nothing: an operator makes the filter',
  probe: 'reads the filter',
  cost: { usd: 0, why: 'filters are free' },
  minutes: 1,
  settles: [],
  async play(kit) {
    const detector = await detectorOf(kit.aws);
    const finding = parseDetail(
      detailOf({ aws: kit.aws, now: () => new Date() }, kit, 'suppress', {
        ...{ type: 'Recon:IAMUser/UserPermissions', severity: 5, resourceRole: 'TARGET' },
        resource: {
          resourceType: 'AccessKey',
          accessKeyDetails: { userType: 'IAMUser', userName: kit.name('user') },
        },
        action: callOf('ListUsers', 'iam.amazonaws.com'),
      }),
    );
    const suppression = suppressionFor(finding, {
      id: kit.name('filter').replace(/^firebreak-/, ''),
    });
    const criteria = Object.entries(suppression.criterion).map(([name, value]) => [name, [value]]);
    const read = async () => (await filters(kit, detector))[suppression.name];
    return {
      apply: () =>
        kit.make('filter', suppression.name, () =>
          makeFilter(kit.aws, detector, suppression, `drill ${kit.id}`, { [DRILL_TAG]: kit.id }),
        ),
      async holds() {
        const { client, api } = await kit.aws.guardDuty();
        if ((await read()) === undefined) return false;
        const { Action, FindingCriteria } = await client.send(
          new api.GetFilterCommand({ DetectorId: detector, FilterName: suppression.name }),
        );
        // The deprecated Eq means the same.
        const held = Object.entries(FindingCriteria?.Criterion ?? {}).map(([name, { Equals, Eq }]) => [
          name,
          Equals ?? Eq,
        ]);
        return Action === 'ARCHIVE' && isDeepStrictEqual(held.sort(), criteria.sort());
      },
      revert: () => unsuppress(kit.aws, detector, suppression.name),
      works: async () => (await read()) === undefined,
      state: () => filters(kit, detector),
    };
  },
};

/** Every list of the detector, as far as GuardDuty is not deleting it. */
async function listsOf({ aws }: Kit, detector: string) {
  const kinds = await Promise.all(
    (['trusted', 'threat'] as const).map((kind) => addressLists(aws, detector, kind)),
  );
  return kinds.flat().filter(({ status }) => !status.startsWith('DELETE'));
}

export const lists: Drill = {
  playbook: 'lists',
  command: true,
  makes: `a threat list with one name under example.com, and a bucket for it`,
  attack: 'nothing: an operator makes the list',
  probe: 'reads the list and whether it is active',
  cost: { usd: 0.01, why: 'requests to S3' },
  minutes: 10,
  settles: ['list-activation'],
  async play(kit) {
    const detector = await detectorOf(kit.aws);
    const Bucket = await makeBucket(kit, 'lists');
    // Reserved by RFC 2606, and named after the drill: no one resolves it.
    const lines = [`${kit.name('threat')}.example.com`];
    let id = '';
    let atOnce = '';
    const read = async () => (await listsOf(kit, detector)).find((one) => one.id === id);
    return {
      apply: () =>
        kit.make('list', undefined, async () => {
          const made = await createList(kit.aws, detector, 'threat', Bucket, lines, {
            ...{ name: kit.name('threat'), tags: { [DRILL_TAG]: kit.id } },
          });
          id = made.id;
          atOnce = made.status;
        }),
      async holds() {
        const list = await read();
        return list?.status === 'ACTIVE' && isDeepStrictEqual(list.entries, lines);
      },
      revert: () => deleteSet(kit.aws, { detector, kind: 'threat', holds: 'entities' }, id),
      works: async () => (await read()) === undefined,
      state: async () =>
        toJson((await listsOf(kit, detector)).sort((one, other) => one.id.localeCompare(other.id))),
      facts: [
        async (): Promise<readonly Fact[]> => [
          {
            id: 'list-activation',
            verdict: atOnce === 'ACTIVE' ? 'confirmed' : 'refuted',
            saw: `${atOnce} when the command stopped polling`,
          },
        ],
      ],
    };
  },
};

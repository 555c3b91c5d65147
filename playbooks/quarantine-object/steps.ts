/** The step kind: the tag set of one version. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Json } from '../../core/json.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { stepKind } from '../common/step-kind.ts';
import { objectId, tagsOf } from './state.ts';
import { type Location, location } from './target.ts';

const tagSet = z.record(z.string(), z.string());

/** Writes the whole set: PutObjectTagging replaces it, so the tags that were there are sent again. */
async function putTags(aws: Aws, at: Location, tags: Json): Promise<void> {
  const { client, api } = await aws.s3();
  const TagSet = Object.entries(tagSet.parse(tags)).map(([Key, Value]) => ({ Key, Value }));
  await client.send(new api.PutObjectTaggingCommand({ ...objectId(at), Tagging: { TagSet } }));
}

const tag = stepKind(location, {
  read: async (at, { aws }) => ({ value: await tagsOf(aws, at) }),
  after: (_at, { caseId }, before) => ({ ...tagSet.parse(before), [QUARANTINE_TAG]: caseId }),
  async apply(at, { aws }, _before, after) {
    await putTags(aws, at, after);
    return undefined;
  },
  async revert(at, { aws }, before) {
    await putTags(aws, at, before);
    return 'reverted';
  },
});

export const KINDS = { tag };

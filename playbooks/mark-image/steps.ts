/** The step kind: one tag, set to the case's id. */
import { z } from 'zod';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { stepKind } from '../common/step-kind.ts';
import { tagsOf } from './state.ts';
import { imageFacts } from './target.ts';

const mark = stepKind(imageFacts, {
  // A tag's value takes 256 characters.
  value: z.string().max(256).nullable(),
  foreign({ kind, id }, { target }) {
    const facts = imageFacts.parse(target.facts);
    return kind === facts.kind && id === facts.id ? undefined : `the ${facts.kind} is ${facts.id}, not ${id}`;
  },
  read: async (at, { aws }) => ({ value: (await tagsOf(aws, at))?.[QUARANTINE_TAG] ?? null }),
  after: (_at, { caseId }) => caseId,
  async apply({ id }, { aws, caseId }) {
    const { client, api } = await aws.ec2();
    await client.send(
      new api.CreateTagsCommand({ Resources: [id], Tags: [{ Key: QUARANTINE_TAG, Value: caseId }] }),
    );
    return undefined;
  },
  async revert({ id }, { aws, caseId }, before) {
    const { client, api } = await aws.ec2();
    const tag = (Value: string) => ({ Resources: [id], Tags: [{ Key: QUARANTINE_TAG, Value }] });
    // With its value: a tag that someone else set meanwhile is not removed.
    if (before !== null) await client.send(new api.CreateTagsCommand(tag(before)));
    else await client.send(new api.DeleteTagsCommand(tag(caseId)));
    return 'reverted';
  },
});

export const KINDS = { mark };

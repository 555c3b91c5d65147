/** Uploads as the twin takes them: an address for each file, its bytes, the end of it, and what a message may show. */
import { z } from 'zod';
import type { Block } from '../slack/block-kit.ts';
import { nextSerial, type SlackWorld } from './slack-world.ts';

const refusal = (error: string) => ({ ok: false, error });

/** files.getUploadURLExternal */
export function startUpload(world: SlackWorld, form: URLSearchParams): object {
  const name = form.get('filename') ?? '';
  const length = Number(form.get('length') ?? 0);
  if (name === '' || !(length > 0)) return refusal('missing_argument');
  const id = `F${String(nextSerial(world)).padStart(9, '0')}`;
  world.files.set(id, {
    id,
    name,
    length,
    bytes: undefined,
    state: 'new',
    looks: world.looks,
    sharedIn: new Set(),
  });
  return { ok: true, upload_url: `${world.origin}/upload/${id}`, file_id: id };
}

/** What is sent to the address; it wants no token. */
export function takeUpload(world: SlackWorld, id: string, bytes: Uint8Array) {
  const file = world.files.get(id);
  const status = file?.state === 'new' && bytes.length === file.length ? 200 : 400;
  if (file && status === 200) file.bytes = bytes;
  return { status, headers: {}, body: { ok: status === 200 } };
}

const completed = z.array(z.object({ id: z.string(), title: z.string().optional() })).min(1);

/** files.completeUploadExternal, without a channel: the file is shared where a message shows it. */
export function completeUpload(world: SlackWorld, given: unknown): object {
  const parsed = completed.safeParse(given);
  if (!parsed.success) return refusal('invalid_arguments');
  for (const { id } of parsed.data) {
    const file = world.files.get(id);
    if (file?.bytes === undefined || file.state !== 'new') return refusal('file_not_found');
    file.state = 'ready';
  }
  return { ok: true, files: parsed.data.map(({ id, title }) => ({ id, title })) };
}

/** What Slack refuses of the images in a message: files that it does not have, and those that it still looks at. */
export function refusedFiles(world: SlackWorld, blocks: readonly Block[]): readonly string[] {
  return blocks.flatMap((block, index) => {
    if (block.type !== 'image') return [];
    const file = world.files.get(block.slack_file.id);
    if (file?.state === 'ready' && file.looks === 0) return [];
    if (file?.state === 'ready') file.looks -= 1;
    return [`[ERROR] invalid slack file [json-pointer:/blocks/${index}/slack_file]`];
  });
}

/** By a message that shows it, a file can be seen in its channel. */
export function shareFiles(world: SlackWorld, channel: string, blocks: readonly Block[]): void {
  for (const block of blocks)
    if (block.type === 'image') world.files.get(block.slack_file.id)?.sharedIn.add(channel);
}

/**
 * What Slack refuses in the blocks of a message and in a modal: unknown fields, empty texts, everything over its
 * documented limits, and what only a modal may hold. As strict as the strictest that Slack documents, since a card
 * that Slack refuses is a card that no one sees.
 */
import { z } from 'zod';
import { LIMITS } from '../slack/text.ts';

const filled = (limit: number) => z.string().min(1).max(limit);
const plain = (limit: number) =>
  z.strictObject({ type: z.literal('plain_text'), text: filled(limit), emoji: z.boolean().optional() });
const mrkdwn = (limit: number) =>
  z.strictObject({ type: z.literal('mrkdwn'), text: filled(limit), verbatim: z.boolean().optional() });
const either = (limit: number) => z.union([plain(limit), mrkdwn(limit)]);
const id = filled(LIMITS.id);
const style = z.enum(['primary', 'danger']).optional();

const confirm = z
  .strictObject({
    title: plain(LIMITS.confirmTitle),
    text: plain(LIMITS.confirm),
    confirm: plain(LIMITS.confirmButton),
    deny: plain(LIMITS.confirmButton),
    style,
  })
  .optional();
const option = z.strictObject({
  text: either(LIMITS.option),
  value: filled(LIMITS.optionValue),
  description: plain(LIMITS.option).optional(),
});
const options = (most: number) =>
  z
    .array(option)
    .min(1)
    .max(most)
    .refine((all) => new Set(all.map(({ value }) => value)).size === all.length, 'the same value twice');

const button = z.strictObject({
  type: z.literal('button'),
  action_id: id,
  text: plain(LIMITS.button),
  value: z.string().max(LIMITS.value).optional(),
  url: z
    .url({ protocol: /^https?$/ })
    .max(3000)
    .optional(),
  style,
  confirm,
  accessibility_label: filled(LIMITS.button).optional(),
});
const select = z.strictObject({
  type: z.literal('static_select'),
  action_id: id,
  options: options(LIMITS.selectOptions),
  placeholder: plain(LIMITS.placeholder).optional(),
  initial_option: option.optional(),
  confirm,
});
const overflow = z.strictObject({
  type: z.literal('overflow'),
  action_id: id,
  options: options(LIMITS.overflowOptions),
  confirm,
});
const checkboxes = z.strictObject({
  type: z.literal('checkboxes'),
  action_id: id,
  options: options(LIMITS.checkboxes),
  initial_options: options(LIMITS.checkboxes).optional(),
  confirm,
});
const textInput = z.strictObject({
  type: z.literal('plain_text_input'),
  action_id: id,
  multiline: z.boolean().optional(),
  min_length: z.int().min(0).max(LIMITS.input).optional(),
  max_length: z.int().min(1).max(LIMITS.input).optional(),
  placeholder: plain(LIMITS.placeholder).optional(),
  initial_value: z.string().max(LIMITS.input).optional(),
});

const element = z.discriminatedUnion('type', [button, select, overflow, checkboxes]);
const block_id = id.optional();
const messageBlock = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('header'), text: plain(LIMITS.header), block_id }),
  z.strictObject({ type: z.literal('divider'), block_id }),
  z
    .strictObject({
      type: z.literal('section'),
      text: either(LIMITS.section).optional(),
      fields: z.array(either(LIMITS.field)).min(1).max(LIMITS.fields).optional(),
      accessory: element.optional(),
      block_id,
    })
    .refine(({ text, fields }) => text !== undefined || fields !== undefined, 'neither text nor fields'),
  z.strictObject({
    type: z.literal('context'),
    elements: z.array(either(LIMITS.section)).min(1).max(LIMITS.contextElements),
    block_id,
  }),
  z.strictObject({
    type: z.literal('image'),
    slack_file: z.strictObject({ id: z.string().regex(/^F[A-Z0-9]{8,}$/) }),
    alt_text: filled(LIMITS.altText),
    title: plain(LIMITS.altText).optional(),
    block_id,
  }),
  z.strictObject({
    type: z.literal('actions'),
    elements: z
      .array(element)
      .min(1)
      .max(LIMITS.elements)
      .refine(
        (all) => new Set(all.map(({ action_id }) => action_id)).size === all.length,
        'an action_id twice in one block',
      ),
    block_id,
  }),
]);
const inputBlock = z.strictObject({
  type: z.literal('input'),
  label: plain(LIMITS.label),
  element: z
    .discriminatedUnion('type', [textInput, checkboxes, select])
    .refine(
      (given) =>
        given.type !== 'checkboxes' ||
        (given.initial_options ?? []).every((initial) =>
          given.options.some((each) => JSON.stringify(each) === JSON.stringify(initial)),
        ),
      'an initial option that is none of the options',
    ),
  optional: z.boolean().optional(),
  hint: plain(LIMITS.label).optional(),
  dispatch_action: z.boolean().optional(),
  block_id,
});
const viewBlock = z.union([inputBlock, messageBlock]);

const oncePerBlockId = (blocks: readonly { readonly block_id?: string | undefined }[]) => {
  const ids = blocks.flatMap((block) => (block.block_id === undefined ? [] : [block.block_id]));
  return new Set(ids).size === ids.length;
};

const message = z.array(messageBlock).max(LIMITS.blocks).refine(oncePerBlockId, 'a block_id twice');
const modal = z
  .strictObject({
    type: z.literal('modal'),
    title: plain(LIMITS.viewTitle),
    blocks: z.array(viewBlock).min(1).max(LIMITS.viewBlocks).refine(oncePerBlockId, 'a block_id twice'),
    submit: plain(LIMITS.viewTitle).optional(),
    close: plain(LIMITS.viewTitle).optional(),
    callback_id: id.optional(),
    private_metadata: z.string().max(LIMITS.metadata).optional(),
    external_id: id.optional(),
    clear_on_close: z.boolean().optional(),
    notify_on_close: z.boolean().optional(),
  })
  .refine(
    ({ blocks, submit }) => submit !== undefined || blocks.every(({ type }) => type !== 'input'),
    'an input without submit',
  )
  .refine(
    (view) => Buffer.byteLength(JSON.stringify(view)) <= LIMITS.viewBytes,
    'view_too_large: over 250 kB',
  );

const problemsOf = (schema: z.ZodType, given: unknown): readonly string[] => {
  const parsed = schema.safeParse(given);
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message: why }) => `${why} [json-pointer:/${path.join('/')}]`);
};

/** What Slack would refuse in the blocks of a message; empty when it takes them. */
export const checkBlocks = (blocks: unknown): readonly string[] => problemsOf(message, blocks);

/** What Slack would refuse in a modal; empty when it takes it. */
export const checkModal = (view: unknown): readonly string[] => problemsOf(modal, view);

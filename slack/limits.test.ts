import { describe, expect, it } from 'vitest';
import { checkBlocks, checkModal } from '../sandbox/slack-limits.ts';
import { button, context, header, type InputBlock, type Modal, option, plain, section } from './block-kit.ts';
import { LIMITS } from './text.ts';

const input = (element: InputBlock['element']): InputBlock => ({
  type: 'input',
  block_id: 'reason',
  label: plain('Why?', LIMITS.label),
  element,
});
const modal = (more: Partial<Modal> = {}): Modal => ({
  type: 'modal',
  callback_id: 'c',
  title: plain('Deny', LIMITS.viewTitle),
  submit: plain('Deny', LIMITS.viewTitle),
  private_metadata: 't',
  blocks: [input({ type: 'plain_text_input', action_id: 'a' })],
  ...more,
});
const options = (count: number) => Array.from({ length: count }, (_, index) => option('x', `v${index}`));

describe('what Slack refuses', () => {
  it('takes what Firebreak builds', () => {
    expect(checkBlocks([header('h'), section('s', button('a', 'Go', 'v')), context('c')])).toEqual([]);
    expect(checkModal(modal())).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['51 blocks', Array.from({ length: 51 }, () => section('x'))],
    ['an empty section', [{ type: 'section' }]],
    ['an empty text', [{ type: 'section', text: { type: 'mrkdwn', text: '' } }]],
    ['a text of 3001', [{ type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3001) } }]],
    ['a field Slack does not know', [{ ...section('x'), colour: 'red' }]],
    ['a markdown header', [{ type: 'header', text: { type: 'mrkdwn', text: 'x' } }]],
    [
      '26 buttons',
      [{ type: 'actions', elements: Array.from({ length: 26 }, (_, i) => button(`a${i}`, 'x', 'v')) }],
    ],
    ['one action id twice', [{ type: 'actions', elements: [button('a', 'x', 'v'), button('a', 'y', 'v')] }]],
    [
      '11 context elements',
      [{ type: 'context', elements: Array.from({ length: 11 }, () => ({ type: 'mrkdwn', text: 'x' })) }],
    ],
    ['a button value of 2001', [{ type: 'actions', elements: [button('a', 'x', 'v'.repeat(2001))] }]],
    [
      'one block id twice',
      [
        { ...section('x'), block_id: 'b' },
        { ...section('y'), block_id: 'b' },
      ],
    ],
    ['an input in a message', [input({ type: 'plain_text_input', action_id: 'a' })]],
  ])('in a message: %s', (_name, blocks) => {
    expect(checkBlocks(blocks)).not.toEqual([]);
  });

  it.each<[string, unknown]>([
    ['101 blocks', modal({ blocks: Array.from({ length: 101 }, () => section('x')) })],
    ['a title of 25', { ...modal(), title: { type: 'plain_text', text: 'x'.repeat(25) } }],
    ['an input without submit', { ...modal(), submit: undefined }],
    ['metadata of 3001', modal({ private_metadata: 'x'.repeat(3001) })],
    [
      '11 checkboxes',
      modal({ blocks: [input({ type: 'checkboxes', action_id: 'a', options: options(11) })] }),
    ],
    ['no checkbox', modal({ blocks: [input({ type: 'checkboxes', action_id: 'a', options: [] })] })],
    [
      'one value twice',
      modal({
        blocks: [input({ type: 'checkboxes', action_id: 'a', options: [...options(1), ...options(1)] })],
      }),
    ],
    [
      'a chosen option that is not offered',
      modal({
        blocks: [
          input({
            type: 'checkboxes',
            action_id: 'a',
            options: options(2),
            initial_options: [option('y', 'z')],
          }),
        ],
      }),
    ],
    ['over 250 kB', modal({ blocks: Array.from({ length: 90 }, () => section('x'.repeat(2999))) })],
  ])('in a modal: %s', (_name, view) => {
    expect(checkModal(view)).not.toEqual([]);
  });
});

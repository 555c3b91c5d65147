import type { Block } from '../slack/card.ts';
import { LIMITS } from '../slack/text.ts';

/** What Slack would refuse in these blocks; empty when it takes them. */
export function checkBlocks(blocks: readonly Block[]): readonly string[] {
  const problems: string[] = [];
  const most = (what: string, length: number, limit: number) => {
    if (length > limit) problems.push(`${what} is ${length}, at most ${limit}`);
  };
  most('blocks', blocks.length, LIMITS.blocks);
  for (const block of blocks) {
    switch (block.type) {
      case 'header':
        most('header', block.text.text.length, LIMITS.header);
        break;
      case 'divider':
        break;
      case 'section':
        if ('text' in block) most('section text', block.text.text.length, LIMITS.section);
        else {
          most('fields', block.fields.length, LIMITS.fields);
          for (const field of block.fields) most('field', field.text.length, LIMITS.field);
        }
        break;
      case 'context':
        for (const element of block.elements) most('context text', element.text.length, LIMITS.section);
        break;
      case 'actions':
        for (const { text, value, action_id, confirm } of block.elements) {
          most('button text', text.text.length, LIMITS.button);
          most('button value', value.length, LIMITS.value);
          most('action_id', action_id.length, LIMITS.id);
          if (confirm) most('confirm text', confirm.text.text.length, LIMITS.confirm);
        }
        break;
    }
  }
  return problems;
}

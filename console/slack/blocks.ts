/** Block Kit as HTML: messages and modals as Slack shows them, with forms in the place of its clicks. */
import type { Block, Button, InputBlock, StaticSelect, ViewBlock } from '../../slack/block-kit.ts';
import { html } from '../html.ts';
import { mrkdwn, type NameOf } from './mrkdwn.ts';

/** How a press of a button or menu leaves the page. */
export interface Pressing {
  readonly nameOf: NameOf;
  /** `<form>` around what is pressed, with all its hidden fields. */
  form(path: 'press' | 'menu', content: string): string;
}

/** The form field of a pressed button: its action and value. */
export const pressOf = ({ action_id, value }: Pick<Button, 'action_id' | 'value'>): string =>
  JSON.stringify([action_id, value]);

export const blocksHtml = (blocks: readonly ViewBlock[], pressing: Pressing): string =>
  blocks.map((block) => blockHtml(block, pressing)).join('');

function blockHtml(block: ViewBlock, pressing: Pressing): string {
  const text = (given: string) => mrkdwn(given, pressing.nameOf);
  switch (block.type) {
    case 'header':
      return `<h2>${html(block.text.text)}</h2>`;
    case 'divider':
      return '<hr>';
    case 'section':
      return sectionHtml(block, pressing);
    case 'context':
      return `<p class="small">${block.elements.map((each) => text(each.text)).join(' ')}</p>`;
    case 'actions': {
      const [first] = block.elements;
      if (first?.type === 'static_select') return menuHtml(first, pressing);
      const buttons = block.elements as readonly Button[];
      return pressing.form('press', `<div class="row">${buttons.map(buttonHtml).join('')}</div>`);
    }
    case 'image':
      return `<figure class="image"><figcaption>${html(block.title?.text ?? '')}</figcaption><img src="/slack/file/${html(block.slack_file.id)}" alt="${html(block.alt_text)}"></figure>`;
    case 'input':
      return '';
  }
}

function sectionHtml(block: Extract<Block, { type: 'section' }>, pressing: Pressing): string {
  const text = (given: string) => mrkdwn(given, pressing.nameOf);
  if ('fields' in block) {
    return `<div class="fields">${block.fields.map((each) => `<div>${text(each.text)}</div>`).join('')}</div>`;
  }
  const body = `<div class="text">${text(block.text.text)}</div>`;
  return block.accessory
    ? `<div class="beside">${body}${pressing.form('press', buttonHtml(block.accessory))}</div>`
    : body;
}

const buttonHtml = (button: Button): string =>
  `<button name="press" class="${button.style ?? 'plain'}" value="${html(pressOf(button))}">${html(button.text.text)}</button>`;

const menuHtml = (menu: StaticSelect, pressing: Pressing): string =>
  pressing.form(
    'menu',
    `<input type="hidden" name="action" value="${html(menu.action_id)}"><div class="row"><select name="chosen" data-now aria-label="${html(menu.placeholder?.text ?? 'Menu')}">${menu.options
      .map(
        ({ value, text }) =>
          `<option value="${html(value)}"${value === menu.initial_option?.value ? ' selected' : ''}>${html(text.text)}</option>`,
      )
      .join('')}</select><button class="plain">Show</button></div>`,
  );

/** An input of a modal: what was filled in before stays, what is wrong stands below it. */
export function inputHtml(block: InputBlock, filled: readonly string[], error: string | undefined): string {
  const { element, block_id, label, hint, optional } = block;
  const name = `in:${block_id}`;
  const id = `in-${block_id}`;
  const described = [...(hint ? [`${id}-hint`] : []), ...(error ? [`${id}-error`] : [])].join(' ');
  const attributes = `name="${html(name)}"${described ? ` aria-describedby="${html(described)}"` : ''}${error ? ' aria-invalid="true"' : ''}`;
  const notes = `${hint ? `<p class="small" id="${html(id)}-hint">${html(hint.text)}</p>` : ''}${error ? `<p class="wrong" id="${html(id)}-error">${html(error)}</p>` : ''}`;
  const title = `${html(label.text)}${optional ? ' <span class="small">(optional)</span>' : ''}`;
  switch (element.type) {
    case 'plain_text_input':
      return `<div class="input"><label for="${html(id)}">${title}</label><textarea id="${html(id)}" rows="3" ${attributes} maxlength="${element.max_length ?? 3000}">${html(filled[0] ?? '')}</textarea>${notes}</div>`;
    case 'static_select':
      return `<div class="input"><label for="${html(id)}">${title}</label><select id="${html(id)}" ${attributes}>${element.options
        .map(
          ({ value, text }) =>
            `<option value="${html(value)}"${value === (filled[0] ?? element.initial_option?.value) ? ' selected' : ''}>${html(text.text)}</option>`,
        )
        .join('')}</select>${notes}</div>`;
    case 'checkboxes':
      return `<fieldset class="input"><legend>${title}</legend>${element.options
        .map(
          ({ value, text, description }) =>
            `<label class="check"><input type="checkbox" ${attributes} value="${html(value)}"${filled.includes(value) ? ' checked' : ''}> <span>${html(text.text)}${description ? `<br><span class="small">${html(description.text)}</span>` : ''}</span></label>`,
        )
        .join('')}${notes}</fieldset>`;
  }
}

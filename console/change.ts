/** A change of a step in words, the JSON of it folded under it. */
import { type ChangedStep, changeWords } from '../core/journal/change-words.ts';
import { breakable, type Markup, markup } from './markup.ts';
import { diffHtml, jsonDiff } from './step-diff.ts';

/** `label` says what the JSON is of, for readers of screens; `names` what people call ids. */
export function changeHtml(
  step: ChangedStep,
  label: string,
  names: Readonly<Record<string, string>>,
): Markup {
  const { setting, before, after, why } = changeWords(step, names);
  return markup`<p class="change"><span class="setting">${breakable(setting)}</span>: <del>${breakable(before)}</del> <span aria-hidden="true">→</span><span class="sr"> becomes </span> <ins>${breakable(after)}</ins> <span class="note">${why}</span></p>
<details class="json"><summary>JSON</summary>${diffHtml(jsonDiff(step.before, step.after), label)}</details>`;
}

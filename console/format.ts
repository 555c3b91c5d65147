/** How times, durations, places and outcomes are written on every page. */
import type { SeverityLabel } from '../core/finding/finding.ts';
import type { Tone } from '../core/incident/looks.ts';
import {
  type IncidentStatus,
  statusTone,
  statusWords,
  stepTone,
  stepWords,
  type TargetStatus,
  undoTone,
  undoWords,
} from '../core/incident/status.ts';
import type { StepStatus } from '../core/journal/playbook.ts';
import type { UndoPreviewStep } from '../core/journal/undo-preview.ts';
import { type Markup, markup } from './markup.ts';

/** Tones are class names in style.css. */
const toneBadge = (tone: Tone, words: string): Markup => markup`<span class="badge ${tone}">${words}</span>`;
export const statusBadge = (status: IncidentStatus | TargetStatus): Markup =>
  toneBadge(statusTone(status), statusWords(status));
export const stepBadge = (status: StepStatus): Markup => toneBadge(stepTone(status), stepWords(status));

export const undoBadge = (will: UndoPreviewStep['will']): Markup =>
  toneBadge(undoTone(will), undoWords(will));

export const SEVERITIES: readonly SeverityLabel[] = ['critical', 'high', 'medium', 'low'];
export const severityBadge = (label: SeverityLabel, severity: number): Markup =>
  markup`<span class="severity ${label}"><span class="pip" aria-hidden="true"></span>${label} <span class="num">${severity}</span></span>`;

/** `2026-11-25 14:59:44`, UTC; the reader's own time is added by the script. */
export const time = (at: string): Markup =>
  markup`<time datetime="${at}">${at.slice(0, 10)} ${at.slice(11, 19)}</time>`;
/** `14:59:44`, UTC; the reader's own time next to it by the script. */
export const second = (at: string): Markup =>
  markup`<time datetime="${at}">${at.slice(11, 19)}</time><span class="local" data-local="${at}"></span>`;
export const clock = (at: string): Markup => markup`<time datetime="${at}">${at.slice(11, 23)}</time>`;

/** The resource part of an ARN: service and what follows the account. */
export const shortArn = (text: string): string => text.replace(/^arn:[^:]*:([^:]*):[^:]*:[^:]*:/, '$1 ');

export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`;

/**
 * How tones and severities look on every surface: card, page, command, dashboard, and in the words of PagerDuty and OCSF. The
 * colours are those of console/assets/style.css in light.
 */
import type { SeverityLabel } from '../finding/finding.ts';

/** `warn` is proven with a known risk: never as green as `good`. */
export type Tone = 'good' | 'warn' | 'bad' | 'wait' | 'calm';

interface ToneLooks {
  /** On the card, once it has ended. */
  readonly mark?: string;
  /** In a terminal. */
  readonly terminal: 'green' | 'yellow' | 'red' | 'dim';
  /** On page and dashboard. */
  readonly colour: string;
}

const TONES: Readonly<Record<Tone, ToneLooks>> = {
  good: { mark: '✅', terminal: 'green', colour: '#12682f' },
  warn: { mark: '⚠️', terminal: 'yellow', colour: '#7a4b00' },
  bad: { mark: '❌', terminal: 'red', colour: '#a41b12' },
  wait: { terminal: 'yellow', colour: '#7a4b00' },
  calm: { terminal: 'dim', colour: '#47505f' },
};
export const toneLooks = (tone: Tone): ToneLooks => TONES[tone];

interface SeverityLooks {
  /** At a glance; the word stands next to it for those who do not see colours. */
  readonly mark: string;
  readonly colour: string;
  /** As PagerDuty's Events API calls it. */
  readonly pagerDuty: 'critical' | 'error' | 'warning' | 'info';
  /** OCSF's severity_id. */
  readonly ocsf: number;
}

const SEVERITIES: Readonly<Record<SeverityLabel, SeverityLooks>> = {
  critical: { mark: '🟣', colour: '#8c1d5f', pagerDuty: 'critical', ocsf: 5 },
  high: { mark: '🔴', colour: '#c2410c', pagerDuty: 'error', ocsf: 4 },
  medium: { mark: '🟡', colour: '#b98500', pagerDuty: 'warning', ocsf: 3 },
  low: { mark: '🔵', colour: '#5b84b1', pagerDuty: 'info', ocsf: 2 },
};
export const severityLooks = (label: SeverityLabel): SeverityLooks => SEVERITIES[label];

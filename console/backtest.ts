/** Past findings of the table for a backtest, with the plans that were made for them. */

import { inBatches } from '../core/aws/batches.ts';
import { isFirebreakError } from '../core/errors.ts';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import type { IncidentRow } from '../core/incident/list.ts';
import { type Answer, type BacktestLine, backtest as decideBoth } from '../core/policy/backtest.ts';
import type { GateFacts, Policy } from '../core/policy/policy.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import type { ReviewSource } from './source.ts';

/** A try is read while someone waits. */
const MOST = 1000;
const AT_ONCE = 25;
const LOOK_BACK_MS = 365 * 86_400_000;

/** One past finding with what was known when it was decided. */
interface PastFinding {
  readonly key: string;
  readonly finding: Finding;
  readonly answer: Answer;
  readonly facts: GateFacts;
}

export interface Backtest {
  readonly lines: readonly (BacktestLine & { readonly incidentId: string })[];
  /** Incidents whose finding could not be read (too old, of another version). */
  readonly left: number;
  /** There are more incidents than were tried. */
  readonly more: boolean;
}

/** The newest findings, decided by both policies. */
export async function backtest(
  source: ReviewSource,
  before: Policy,
  after: Policy,
  now: Date,
): Promise<Backtest> {
  const from = new Date(now.getTime() - LOOK_BACK_MS).toISOString();
  const { items, cursor } = await source.incidents({ from, to: now.toISOString(), limit: MOST });
  const past = await inBatches(items, AT_ONCE, (row) => pastOf(source, row, now));
  const known = past.filter((one) => one !== undefined);
  return {
    lines: known.map(({ key, finding, answer, facts }) => ({
      incidentId: key,
      ...decideBoth({ before, after }, finding, answer, facts),
    })),
    left: past.length - known.length,
    more: cursor !== undefined,
  };
}

async function pastOf(source: ReviewSource, row: IncidentRow, now: Date): Promise<PastFinding | undefined> {
  const [detail, incident] = await Promise.all([source.finding(row.id), source.find(row.id)]);
  if (detail === undefined || incident === undefined) return undefined;
  try {
    const finding = parseFinding(detail);
    const choice = choosePlaybook(finding);
    const [first] = incident.targets;
    const answer =
      incident.followUpOf && first && incident.playbook
        ? { id: incident.playbook, kind: first.target.kind }
        : 'none' in choice
          ? choice
          : { id: choice.id, kind: choice.kind };
    const facts: GateFacts = {
      now,
      playbook: answer,
      followUpOf: incident.followUpOf,
      confirmation: incident.assessment?.confirmation,
      parts: incident.targets.map(({ playbook, target, plan }) => ({
        playbook,
        display: target.display,
        plan,
      })),
    };
    return { key: row.id, finding, answer: choice, facts };
  } catch (error) {
    if (isFirebreakError(error, 'FindingInvalid')) return undefined;
    throw error;
  }
}

/** Switches between observe and enforce, from Slack or with AWS credentials: one person to observe, two to enforce. */
import { isFirebreakError } from '../core/errors.ts';
import { askEnforce, type Mode, switchToObserve } from '../core/table/mode.ts';
import { utcMinute } from '../core/words.ts';
import { countMetric, logger, type Runtime } from './runtime.ts';

/** What everyone hears: the page topic, and the channel of the cards. */
export interface Announcement {
  readonly subject: string;
  readonly text: string;
  /** Slack ids that the text names: the channel sees them as mentions. */
  readonly people: readonly string[];
}

export interface ModeAnswer {
  /** False where nothing was changed or counted. */
  readonly counted: boolean;
  readonly say: string;
  /** What everyone hears; absent where nothing happened. */
  readonly announcement?: Announcement;
}

const MOST_ATTEMPTS = 4;

/** Switches as this person asked, whose right was checked before. `named` is how records name them. */
export async function switchMode(
  runtime: Runtime,
  to: Mode,
  by: string,
  named: string = by,
): Promise<ModeAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = to === 'observe' ? await observe(runtime, by) : await enforce(runtime, by);
      if (answer.counted) {
        countMetric('ModeSwitched');
        logger.warn('mode', { audit: true, to, by: named, became: answer.say });
      }
      return answer;
    } catch (error) {
      // Another person switched in the same moment: judged by what stands now.
      if (!isFirebreakError(error, 'Conflict') || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

async function observe({ table, policy, now }: Runtime, by: string): Promise<ModeAnswer> {
  if (!(await switchToObserve(table, policy.mode, by, now())))
    return { counted: false, say: 'Firebreak is in observe mode already: it decides and changes nothing.' };
  const text = `${by} switched to observe mode. Firebreak decides and notifies; it changes nothing until two people switch to enforce mode.`;
  return {
    counted: true,
    say: 'Observe mode: from now on Firebreak decides and notifies, and changes nothing.',
    announcement: { subject: 'Firebreak: observe mode', text, people: [by] },
  };
}

async function enforce({ table, policy, now }: Runtime, by: string): Promise<ModeAnswer> {
  const became = await askEnforce(table, policy.mode, by, now());
  switch (became.kind) {
    case 'already':
      return { counted: false, say: 'Firebreak is in enforce mode already: it acts as policy.yml says.' };
    case 'asked': {
      const say = `Counted. A second person must switch to enforce as well, until ${utcMinute(became.until)}.`;
      if (became.again) return { counted: false, say };
      const text = `${by} asks for enforce mode; a second person must agree until ${utcMinute(became.until)}.`;
      return {
        counted: true,
        say,
        announcement: { subject: 'Firebreak: enforce mode requested', text, people: [by] },
      };
    }
    case 'enforce': {
      const { first } = became;
      const text = `${first} and ${by} switched to enforce mode. From now on Firebreak contains as policy.yml says.`;
      return {
        counted: true,
        say: 'Enforce mode: from now on Firebreak contains as policy.yml says.',
        announcement: { subject: 'Firebreak: enforce mode', text, people: [first, by] },
      };
    }
  }
}

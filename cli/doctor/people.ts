/** Does a person hear of it? Alarms, the page topic, the kill switch, and incidents no one ends. */
import { paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { paginateListSubscriptionsByTopic } from '@aws-sdk/client-sns';
import { arn } from '../../core/aws/arn.ts';
import { statusWords } from '../../core/incident/status.ts';
import { incidentStore } from '../../core/incident/store.ts';
import { killSwitch as killSwitchOf } from '../../core/table/breaker.ts';
import { modeState } from '../../core/table/mode.ts';
import { type DoctorCheck, ok, warn, wrong } from './check.ts';

export const alarms: DoctorCheck = {
  name: 'alarms',
  async run({ cloudWatch, service }) {
    const mute: string[] = [];
    const ringing: string[] = [];
    let count = 0;
    for await (const page of paginateDescribeAlarms(
      { client: cloudWatch },
      { AlarmNamePrefix: `${service}-` },
    )) {
      for (const { AlarmName = '', ActionsEnabled, AlarmActions = [], StateValue } of page.MetricAlarms ??
        []) {
        count += 1;
        if (!ActionsEnabled || AlarmActions.length === 0) mute.push(AlarmName);
        if (StateValue === 'ALARM') ringing.push(AlarmName);
      }
    }
    if (count === 0) return [wrong(`no alarm of ${service} is there`, 'Deploy again: npm run deploy')];
    const results = [];
    if (mute.length > 0)
      results.push(
        wrong(
          `alarms that tell no one: ${mute.join(', ')}`,
          `aws cloudwatch enable-alarm-actions --alarm-names ${mute.join(' ')}`,
        ),
      );
    if (ringing.length > 0)
      results.push(
        wrong(`alarms that ring now: ${ringing.join(', ')}`, 'docs/operating.md says for each what to do.'),
      );
    return results.length > 0 ? results : [ok(`${count} alarms are wired, none rings`)];
  },
};

export const pages: DoctorCheck = {
  name: 'pages',
  async run({ sns, scope, service }) {
    const TopicArn = arn(scope, 'sns', `${service}-page`);
    const heard: string[] = [];
    let pending = 0;
    for await (const page of paginateListSubscriptionsByTopic({ client: sns }, { TopicArn })) {
      for (const { SubscriptionArn = '', Protocol = '' } of page.Subscriptions ?? []) {
        // Until the receiver has confirmed it, SNS writes this word where the ARN will stand.
        if (SubscriptionArn === 'PendingConfirmation') pending += 1;
        else heard.push(Protocol);
      }
    }
    if (heard.length > 0) return [ok(`the page topic reaches ${heard.join(', ')}`)];
    const waiting = pending > 0 ? `; ${pending} wait for their confirmation` : '';
    return [
      wrong(
        `no one is subscribed to the page topic${waiting}: when Slack is down, no one hears of an attack`,
        `aws sns subscribe --topic-arn ${TopicArn} --protocol email --notification-endpoint ...`,
      ),
    ];
  },
};

export const killSwitch: DoctorCheck = {
  name: 'kill switch',
  async run({ table, policy }) {
    if (policy.killSwitch)
      return [
        warn(
          'policy.yml has the kill switch on: nothing is contained automatically',
          'Set killSwitch: false and deploy.',
        ),
      ];
    if (await killSwitchOf(table))
      return [
        warn(
          'the kill switch is on: nothing is contained automatically',
          'Two people turn it off: /firebreak kill-switch off',
        ),
      ];
    return [ok('off')];
  },
};

export const mode: DoctorCheck = {
  name: 'mode',
  async run({ table, policy }) {
    const { mode: inForce, changes } = await modeState(table, policy.mode);
    const last = changes.at(-1);
    const since = last ? `since ${last.at} by ${last.by}` : 'as policy.yml starts it';
    if (inForce === 'enforce') return [ok(`enforce, ${since}`)];
    return [
      warn(
        `observe, ${since}: Firebreak decides and changes nothing`,
        'Two people switch it: npx firebreak mode enforce --live, or /firebreak mode enforce',
      ),
    ];
  },
};

/** An approval lasts a day at most by default, everything else minutes. */
const STUCK_MS = 6 * 3_600_000;
const LOOK_BACK_MS = 7 * 86_400_000;

export const incidents: DoctorCheck = {
  name: 'incidents',
  async run({ table, now }) {
    const to = now();
    const { items } = await incidentStore(table).list({
      from: new Date(to.getTime() - LOOK_BACK_MS).toISOString(),
      to: to.toISOString(),
      limit: 100,
      filter: { status: 'open' },
    });
    const stuck = items.filter(({ updatedAt }) => to.getTime() - Date.parse(updatedAt) > STUCK_MS);
    if (stuck.length === 0) return [ok(`${items.length} in progress, none stuck`)];
    return [
      wrong(
        `in progress for more than 6 hours: ${stuck.map(({ id, status }) => `${id} ${statusWords(status)}`).join(', ')}`,
        'npx firebreak show ID --live; its execution in Step Functions says where it stopped.',
      ),
    ];
  },
};

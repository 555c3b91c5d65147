/** Does a finding that GuardDuty publishes arrive? Rule and queues. */
import { DescribeRuleCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import { type DoctorCheck, ok, wrong } from './check.ts';

export const rule: DoctorCheck = {
  name: 'rule',
  async run({ events, service }) {
    const name = `${service}-findings`;
    const { State } = await events.send(new DescribeRuleCommand({ Name: name }));
    if (State === 'DISABLED') {
      return [wrong(`rule ${name} is disabled: no finding arrives`, `aws events enable-rule --name ${name}`)];
    }
    const { Targets: targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule: name }));
    const workflow = targets.find(({ Arn = '' }) => /:states:/.test(Arn));
    if (!workflow) return [wrong(`rule ${name} starts no workflow`, 'Deploy again: npm run deploy')];
    if (!workflow.DeadLetterConfig?.Arn) {
      return [
        wrong(
          `rule ${name} has no dead-letter queue: what does not start is lost`,
          'Deploy again: npm run deploy',
        ),
      ];
    }
    return [ok(`rule ${name} is on and starts the workflow, with a dead-letter queue`)];
  },
};

export const queues: DoctorCheck = {
  name: 'queues',
  async run({ sqs, service }) {
    const results = [];
    for (const [name, holds] of [
      ['undelivered', 'findings that did not start the workflow; redrive tries them'],
      ['dead', 'findings that redrive gave up on'],
    ] as const) {
      const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: `${service}-${name}` }));
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      const count =
        Number(Attributes['ApproximateNumberOfMessages'] ?? 0) +
        Number(Attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0);
      if (count === 0) results.push(ok(`queue ${name} is empty`));
      else
        results.push(
          wrong(
            `queue ${name} holds ${count} messages: ${holds}`,
            'Read their reason in the log of the redrive function, fix it, and start an SQS redrive.',
          ),
        );
    }
    return results;
  },
};

/** Calls by which code of the attacker's runs, or runs again later: functions, rules, schedules, instances. */
import { ANY_ARN, type Call, IAM_NAME, ID, named } from './call.ts';

const FUNCTION = /^[\w:.$/-]{1,170}$/;

const lambda = (names: readonly string[], read: Call['read']): Call => ({
  source: 'lambda',
  gives: 'code',
  ...{ names, read },
});

export const WORKLOAD_CALLS: readonly Call[] = [
  lambda(
    [
      'CreateFunction20150331',
      'UpdateFunctionCode20150331v2',
      'UpdateFunctionConfiguration20150331v2',
      'CreateEventSourceMapping20150331',
    ],
    (event) => {
      const name = event.asked('functionName', FUNCTION);
      return {
        what: `function ${named(name)}`,
        action: 'Stop the function: reserved concurrency 0',
        command: event.regional('lambda put-function-concurrency', {
          'function-name': name,
          'reserved-concurrent-executions': '0',
        }),
      };
    },
  ),
  lambda(['AddPermission20150331v2', 'AddPermission20150331'], (event) => {
    const name = event.asked('functionName', FUNCTION);
    const statement = event.asked('statementId', ID);
    const principal = event.asked('principal', ID);
    return {
      what: `permission ${named(statement)} on function ${named(name)}${principal === undefined ? '' : ` for ${principal}`}`,
      action: 'Remove the permission',
      command: event.regional('lambda remove-permission', {
        'function-name': name,
        'statement-id': statement,
      }),
    };
  }),
  lambda(['CreateFunctionUrlConfig', 'UpdateFunctionUrlConfig'], (event) => {
    const name = event.asked('functionName', FUNCTION);
    return {
      what: `URL of function ${named(name)}`,
      action: 'Delete the URL',
      command: event.regional('lambda delete-function-url-config', { 'function-name': name }),
    };
  }),
  {
    source: 'events',
    names: ['PutRule', 'PutTargets', 'EnableRule'],
    gives: 'code',
    read: (event) => {
      const targets = event.record.eventName === 'PutTargets';
      const rule = event.asked(targets ? 'rule' : 'name', ID);
      const bus = event.asked('eventBusName', ID);
      if (!targets && event.asked('state', /^DISABLED$/) !== undefined) return undefined;
      return {
        what: `event rule ${named(rule)}${bus === undefined ? '' : ` of bus ${bus}`}${targets ? ', its targets' : ''}`,
        action: 'Disable the rule',
        command: event.regional('events disable-rule', {
          name: rule,
          ...(bus === undefined ? {} : { 'event-bus-name': bus }),
        }),
      };
    },
  },
  {
    source: 'scheduler',
    names: ['CreateSchedule', 'UpdateSchedule'],
    gives: 'code',
    read: (event) => {
      const name = event.asked('name', ID);
      const group = event.asked('groupName', ID);
      return {
        what: `schedule ${named(name)}`,
        action: 'Delete the schedule; where it changed one of your own, put that one back',
        command: event.regional('scheduler delete-schedule', {
          name,
          ...(group === undefined ? {} : { 'group-name': group }),
        }),
      };
    },
  },
  {
    source: 'ec2',
    names: ['RunInstances'],
    gives: 'code',
    read: (event) => {
      const ids = event.texts('instanceId', /^i-[0-9a-f]{8,17}$/).slice(0, 50);
      return {
        what: `instances ${named(ids.length > 0 ? ids.join(', ') : undefined)}`,
        action: 'Stop the instances; isolate those that you want to look into',
        command: event.regional('ec2 stop-instances', { 'instance-ids': ids }),
      };
    },
  },
  {
    source: 'ec2',
    names: ['AssociateIamInstanceProfile', 'ReplaceIamInstanceProfileAssociation'],
    gives: 'code',
    read: (event) => {
      const association = event.text('associationId', /^iip-assoc-[0-9a-f]{8,17}$/);
      const instance = event.text('instanceId', /^i-[0-9a-f]{8,17}$/);
      const profile = event.asked('name', IAM_NAME) ?? event.asked('arn', ANY_ARN);
      return {
        what: `instance profile ${named(profile)} on instance ${named(instance)}`,
        action: 'Take the profile off the instance',
        command: event.regional('ec2 disassociate-iam-instance-profile', { 'association-id': association }),
      };
    },
  },
];

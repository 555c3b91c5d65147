import { awsCommand } from '../../../core/aws/command-line.ts';
import { isJsonObject } from '../../../core/json.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** Instances that an Auto Scaling group starts run what the default or newest version says. */
export const changedLaunchTemplate = defineByHand({
  id: 'changed-launch-template',
  danger: 'persists',
  calls: { source: 'ec2.amazonaws.com', names: ['CreateLaunchTemplateVersion', 'ModifyLaunchTemplate'] },
  does: 'set the default version of the launch template to one from before',
  next(call) {
    const inner = call.request[`${call.name}Request`];
    const given = isJsonObject(inner)
      ? textIn(inner, 'LaunchTemplateId')
      : textIn(call.request, 'launchTemplateId');
    if (given === undefined || !/^lt-[0-9a-f]{8,17}$/.test(given)) return undefined;
    return {
      what: `launch template ${given} was changed (${said(call)}): set its default version to one from before`,
      next: `${awsCommand('ec2 describe-launch-template-versions', { region: call.region, 'launch-template-id': given })}`,
    };
  },
  example: {
    eventName: 'CreateLaunchTemplateVersion',
    requestParameters: { CreateLaunchTemplateVersionRequest: { LaunchTemplateId: 'lt-0123456789abcdef0' } },
  },
});

import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, valueIn } from '../../common/changes/inverse.ts';
import { EC2, launchTemplate, templateOf, versionNumber } from '../launch-templates.ts';

/** The newest version cannot become an older one again, and one that is deleted could not be made again. */
export const changedLaunchTemplate = defineByHand({
  id: 'changed-launch-template',
  danger: 'persists',
  calls: { source: EC2, names: ['CreateLaunchTemplateVersion'] },
  does: 'a new version is looked at and deleted: what starts instances from $Latest takes the one before it then',
  next(call) {
    const of = launchTemplate.safeParse(templateOf(call)).data;
    const made = valueIn(call.response, `${call.name}Response`, 'launchTemplateVersion', 'versionNumber');
    const version = versionNumber.safeParse(made).data;
    if (!of) return undefined;
    const options = { region: call.region, 'launch-template-id': of.template };
    const versions = version === undefined ? '$Latest' : String(version);
    return {
      what: `a version of launch template ${of.template} was made (${said(call)}), and groups that start instances from $Latest take it: look at it, then delete it with delete-launch-template-versions`,
      next: `${awsCommand('ec2 describe-launch-template-versions', { ...options, versions })}`,
    };
  },
  example: {
    eventName: 'CreateLaunchTemplateVersion',
    requestParameters: { CreateLaunchTemplateVersionRequest: { LaunchTemplateId: 'lt-0123456789abcdef0' } },
  },
});

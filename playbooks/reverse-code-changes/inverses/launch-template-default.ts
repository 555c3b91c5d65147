import { arn } from '../../../core/aws/arn.ts';
import { defineInverse, whichOf } from '../../common/changes/inverse.ts';
import {
  defaultAfter,
  EC2,
  launchTemplate,
  templateOf,
  unlessGone,
  versionNumber,
  versionsBefore,
} from '../launch-templates.ts';

/** The version that instances are started from where none is named is the one from before; the other version stays. */
export const launchTemplateDefault = defineInverse({
  id: 'launch-template-default',
  danger: 'persists',
  calls: {
    source: EC2,
    names: ['ModifyLaunchTemplate'],
    alsoTold: ['CreateLaunchTemplate', 'CreateLaunchTemplateVersion'],
  },
  does: 'the version that was the default before is the default again; the other one stays',
  resource: launchTemplate,
  value: versionNumber.nullable(),
  effects: (call) => [{ resource: templateOf(call), left: defaultAfter(call) }],
  listedAs: ({ template }) => template,
  recorded: {
    of: ({ template: id }) => ({ type: 'AWS::EC2::LaunchTemplate', id }),
    // Modelled by CloudFormation, which writes it as text [M].
    value: ({ configuration }) => Number(configuration['DefaultVersionNumber']),
  },
  async kept(aws, { template }, before) {
    const [newest, ...older] = await versionsBefore(aws, template, before);
    return (
      newest && {
        ...{ value: newest.number, at: newest.at, from: `version ${newest.number}` },
        unsure: [whichOf(older.length + 1)],
      }
    );
  },
  names: ({ scope }, { template }) => [arn(scope, 'ec2', `launch-template/${template}`), template],
  says: ({ template }, wanted) => `Make version ${wanted} the default of launch template ${template} again`,
  async read(aws, { template }) {
    const { client, api } = await aws.ec2();
    const asked = { LaunchTemplateIds: [template] };
    const found = await unlessGone(client.send(new api.DescribeLaunchTemplatesCommand(asked)));
    return found?.LaunchTemplates?.[0]?.DefaultVersionNumber ?? null;
  },
  async put(aws, { template }, to) {
    const { client, api } = await aws.ec2();
    await client.send(
      new api.ModifyLaunchTemplateCommand({ LaunchTemplateId: template, DefaultVersion: String(to) }),
    );
  },
  never: ({ template }, value) => (value === null ? `launch template ${template} was not there` : undefined),
  remains: ({ template }) => [
    `versions that the principal made are in launch template ${template}: what names one, or $Latest, still starts from them`,
  ],
  permissions: {
    read: [
      {
        // Neither has a resource level.
        actions: ['ec2:DescribeLaunchTemplates', 'ec2:DescribeLaunchTemplateVersions'],
        resources: ['*'],
        why: 'which version of a launch template is the default, and which were there before',
      },
    ],
    write: [
      {
        actions: ['ec2:ModifyLaunchTemplate'],
        resources: ['arn:${Partition}:ec2:${Region}:${Account}:launch-template/*'],
        why: 'the version that was the default is so again',
        worst:
          'makes another version of any launch template the default, from which instances are then started',
      },
    ],
  },
  words: {
    setting: 'Default version of a launch template',
    why: 'instances are started from it, with its user data and its role',
  },
  example: {
    eventName: 'ModifyLaunchTemplate',
    requestParameters: {
      ModifyLaunchTemplateRequest: { LaunchTemplateId: 'lt-0123456789abcdef0', SetDefaultVersion: 2 },
    },
    responseElements: {
      ModifyLaunchTemplateResponse: {
        launchTemplate: {
          ...{ launchTemplateId: 'lt-0123456789abcdef0', launchTemplateName: 'web' },
          ...{ defaultVersionNumber: 2, latestVersionNumber: 2 },
        },
      },
    },
  },
});

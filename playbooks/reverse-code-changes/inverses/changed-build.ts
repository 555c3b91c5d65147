import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

const PROJECT = /^arn:[a-z-]+:codebuild:[a-z0-9-]+:\d{12}:project\/[A-Za-z0-9][\w-]{1,149}$/;

/** Who may write a project could run a build with its role; the secret of a webhook could not be made again. */
export const changedBuild = defineByHand({
  id: 'changed-build',
  danger: 'persists',
  calls: {
    source: 'codebuild.amazonaws.com',
    names: ['CreateProject', 'UpdateProject', 'CreateWebhook', 'UpdateWebhook', 'UpdateProjectVisibility'],
  },
  does: 'look at the project, its webhook and its builds, and deploy it again from your template',
  next(call) {
    const { name: event, region, request } = call;
    const given =
      textIn(request, 'name') ?? textIn(request, 'projectName') ?? textIn(request, 'projectArn') ?? '';
    const [, name = ''] = /(?:^|:project\/)([A-Za-z0-9][\w-]{1,149})$/.exec(given) ?? [];
    if (name === '') return undefined;
    const what = `build project ${name} was changed (${said(call)})`;
    if (event === 'CreateWebhook' || event === 'UpdateWebhook')
      return {
        what: `the webhook of ${what}: a push to its repository starts it`,
        next: `${awsCommand('codebuild delete-webhook', { region, 'project-name': name })}`,
      };
    const arn = textIn(request, 'projectArn');
    if (event === 'UpdateProjectVisibility' && arn !== undefined && PROJECT.test(arn))
      return {
        what: `${what}: whom its builds, logs and artifacts are shown to`,
        next: `${awsCommand('codebuild update-project-visibility', {
          ...{ region, 'project-arn': arn, 'project-visibility': 'PRIVATE' },
        })}`,
      };
    return { what, next: `${awsCommand('codebuild batch-get-projects', { region, names: name })}` };
  },
  example: { eventName: 'UpdateProject', requestParameters: { name: 'release' } },
});

import { awsCommand } from '../../../core/aws/command-line.ts';
import { textIn } from '../../common/changes/inverse.ts';
import { switchedOff } from '../switched-off.ts';

/** What was disabled lost its jobs and findings; what was paused goes on. */
export const macie = switchedOff({
  id: 'macie',
  source: 'macie2.amazonaws.com',
  does: 'enable Amazon Macie again; jobs and findings of one that was disabled are gone',
  ways: {
    DisableMacie: ({ region }) => ({
      what: `Amazon Macie was disabled in ${region}, and its jobs and findings are gone`,
      command: awsCommand('macie2 enable-macie', { region }),
    }),
    UpdateMacieSession: ({ region, request }) =>
      textIn(request, 'status') === 'PAUSED'
        ? {
            what: `Amazon Macie was paused in ${region}`,
            command: awsCommand('macie2 update-macie-session', { region, status: 'ENABLED' }),
          }
        : undefined,
  },
  example: { eventName: 'DisableMacie', requestParameters: {} },
});

import { awsCommand } from '../../../core/aws/command-line.ts';
import { textIn } from '../../common/changes/inverse.ts';
import { switchedOff } from '../switched-off.ts';

const NAME = /^[A-Za-z][\w.-]{0,254}$/;
const named = (text = ''): string | undefined => (NAME.test(text) ? text : undefined);

/** A rule that archives hides what is shared; an analyzer that is gone finds nothing. */
export const accessAnalyzer = switchedOff({
  id: 'access-analyzer',
  source: 'access-analyzer.amazonaws.com',
  does: 'create the analyzer again, and delete the rule that archives its findings',
  ways: {
    DeleteAnalyzer({ region, request }) {
      const name = named(textIn(request, 'analyzerName'));
      return {
        what: `analyzer ${name} was deleted with its findings and archive rules; one of an organization has another type`,
        command: awsCommand('accessanalyzer create-analyzer', {
          region,
          'analyzer-name': name,
          type: 'ACCOUNT',
        }),
      };
    },
    CreateArchiveRule({ region, request }) {
      const [name, rule] = [named(textIn(request, 'analyzerName')), named(textIn(request, 'ruleName'))];
      return {
        what: `rule ${rule} archives findings of analyzer ${name}`,
        command: awsCommand('accessanalyzer delete-archive-rule', {
          ...{ region, 'analyzer-name': name, 'rule-name': rule },
        }),
      };
    },
  },
  example: { eventName: 'DeleteAnalyzer', requestParameters: { analyzerName: 'account' } },
});

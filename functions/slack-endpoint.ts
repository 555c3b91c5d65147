/**
 * Slack's endpoint: buttons, modals and `/firebreak`. Every request is verified, parsed and authorised here, and
 * answered within Slack's three seconds by one conditional write; the workflow and the worker do what follows.
 */
import { hasSlack } from '../pipeline/environment.ts';
import { lambda } from '../pipeline/lambda.ts';
import { isOurs, parseRequest, verifySignature } from '../slack/request.ts';
import { audit } from './slack/audit.ts';
import { command } from './slack/command.ts';
import { type HttpAnswer, readHttp, refused } from './slack/http.ts';
import { press } from './slack/press.ts';
import { submission } from './slack/submission.ts';

export const handler = lambda(async (event, given): Promise<HttpAnswer> => {
  const { headers, rawBody } = readHttp(event);
  if (!hasSlack(given.env)) return refused(404, 'no Slack');
  const { signingSecret } = await given.slackSecrets();
  const signed = verifySignature({ rawBody, headers, signingSecret, now: given.now() });
  if (!signed.ok) {
    await audit(given, signed.reason);
    return refused(401, signed.reason);
  }
  const request = parseRequest(rawBody);
  if (!request) {
    await audit(given, 'nothing of ours');
    return refused(400, 'nothing of ours');
  }
  const { SLACK_TEAM_ID: teamId, SLACK_APP_ID: appId } = given.env;
  const ours = isOurs(request, { teamId, appId });
  if (!ours.ok) {
    await audit(given, ours.reason, request);
    return refused(403, ours.reason);
  }
  switch (request.kind) {
    case 'press':
      return press(given, request);
    case 'submission':
      return submission(given, request);
    case 'command':
      return command(given, request);
  }
});

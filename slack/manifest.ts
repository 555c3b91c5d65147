/** The Slack app as a manifest: what it may do, and where Slack sends clicks and commands. Slack takes YAML and JSON. */
import type { AppsManifestCreateArguments } from '@slack/web-api';
import { BOT_SCOPES } from './methods.ts';

type Manifest = AppsManifestCreateArguments['manifest'];
type Scopes = NonNullable<NonNullable<NonNullable<Manifest['oauth_config']>['scopes']>['bot']>;

/** Before there is a deployment: Slack wants an address that looks like one. No card is posted before it is replaced. */
const NO_ENDPOINT = 'https://example.com';

/** `endpoint`: the deployed API without a path, as `slack check` names it. */
export const slackManifest = (endpoint: string = NO_ENDPOINT): Manifest => ({
  _metadata: { major_version: 2 },
  display_information: {
    name: 'Firebreak',
    description: 'Contains what GuardDuty finds, asks before it does, and undoes it.',
    background_color: '#8b1a10',
  },
  features: {
    bot_user: { display_name: 'firebreak', always_online: true },
    slash_commands: [
      {
        command: '/firebreak',
        url: `${endpoint}/slack/command`,
        description: 'What is open, one incident, undo, kill switch, mode',
        usage_hint:
          'status | incident ID | undo ID | kill-switch on|off | mode observe|enforce | break-glass ID | simulate',
        // Mentions and channels would come as Slack's own ids otherwise; no word of the command is one.
        should_escape: false,
      },
    ],
  },
  oauth_config: { scopes: { bot: [...BOT_SCOPES] as Scopes } },
  settings: {
    interactivity: { is_enabled: true, request_url: `${endpoint}/slack/interactivity` },
    org_deploy_enabled: false,
    socket_mode_enabled: false,
    token_rotation_enabled: false,
  },
});

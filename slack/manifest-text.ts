/** slack/manifest.yml: the app before there is a deployment. */
import { stringify } from 'yaml';
import { slackManifest } from './manifest.ts';

export const manifestText = (
  endpoint?: string,
): string => `# Slack: Create New App, From a manifest. After the deployment put its address in: npx firebreak slack manifest --stage prod
${stringify(slackManifest(endpoint), { lineWidth: 0 })}`;

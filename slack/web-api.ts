/** What is used of Slack's client, in a file of its own so that a function can import it later (deploy/bundles.js says why). */
export { LogLevel, WebClient } from '@slack/web-api';

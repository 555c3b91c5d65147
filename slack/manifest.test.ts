import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMMANDS } from './actions.ts';
import { slackManifest } from './manifest.ts';
import { BOT_SCOPES, METHOD_SCOPES } from './methods.ts';

const ROOT = new URL('..', import.meta.url).pathname;

/** `chat.postMessage` of every `web.chat.postMessage(` in the rooms that run with the bot's token. */
function methodsCalled(): readonly string[] {
  const sources = ['slack', 'functions', 'cli', 'core'].flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(ROOT, room, name), 'utf8')),
  );
  const families = [...new Set(Object.keys(METHOD_SCOPES).map((method) => method.split('.')[0]))];
  const others = ['users', 'bots', 'files', 'team', 'reactions', 'pins', 'apps', 'search', 'admin'];
  const call = new RegExp(`\\bweb\\.((?:${[...families, ...others].join('|')})(?:\\.\\w+)+)\\(`, 'g');
  return [...new Set(sources.flatMap((text) => [...text.matchAll(call)].map(([, method = '']) => method)))];
}

describe('the manifest', () => {
  it('asks for the scopes of the methods that are called, and no more', () => {
    const called = methodsCalled();
    expect(called.toSorted()).toEqual(Object.keys(METHOD_SCOPES).toSorted());
    expect(slackManifest().oauth_config?.scopes).toEqual({ bot: BOT_SCOPES });
    expect(BOT_SCOPES).toEqual([
      ...['channels:read', 'chat:write', 'commands', 'files:write', 'groups:read', 'usergroups:read'],
    ]);
  });

  it('keeps the limits of Slack, and names every word of the command', () => {
    const { display_information, features } = slackManifest();
    expect(display_information.name.length).toBeLessThanOrEqual(35);
    expect(display_information.description?.length).toBeLessThanOrEqual(140);
    expect(features?.bot_user?.display_name).toMatch(/^[a-z0-9-_.]{1,80}$/);
    const [command] = features?.slash_commands ?? [];
    for (const word of COMMANDS.filter((each) => each !== 'help'))
      expect(command?.usage_hint).toContain(word);
  });

  it('sends clicks and commands to the two routes of the deployment', () => {
    const routes = [
      ...readFileSync(join(ROOT, 'serverless.yml'), 'utf8').matchAll(/httpApi: POST (\S+)/g),
    ].map(([, path]) => `https://api.example${path}`);
    const { features, settings } = slackManifest('https://api.example');
    expect([settings?.interactivity?.request_url, features?.slash_commands?.[0]?.url]).toEqual(routes);
  });

  it('is in the repository as it is made', () => {
    const written = readFileSync(join(ROOT, 'slack/manifest.yml'), 'utf8');
    expect(parse(written)).toEqual(JSON.parse(JSON.stringify(slackManifest())));
  });
});

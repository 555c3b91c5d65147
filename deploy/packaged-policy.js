/**
 * A plugin of the Serverless Framework: compiles the policy that firebreak.json names (FIREBREAK_POLICY comes before it) for the
 * packages, has IAM deny what that policy protects, and refuses a policy that is invalid or that no one could approve by.
 */
import { readFileSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';

const COMMANDS = ['package', 'deploy'];
const allow = {
  'allow-placeholder': {
    usage: 'Packages a policy whose approvers are those of the examples (U0ALICE)',
    type: 'boolean',
  },
};

export default class PackagedPolicy {
  constructor(serverless, options) {
    this.serverless = serverless;
    this.options = options;
    this.commands = Object.fromEntries(COMMANDS.map((name) => [name, { options: allow }]));
    this.hooks = { 'before:package:finalize': () => this.denyWhatIsProtected() };
  }

  async asyncInit() {
    if (!COMMANDS.includes(this.serverless.processedInput.commands[0])) return;
    this.file = policyOf(this.serverless.serviceDir);
    // The templates are made from the same policy: deploy/protected.ts reads the variable.
    process.env.FIREBREAK_POLICY = this.file;
    await this.check();
  }

  async check() {
    const [{ loadPolicy }, { KNOWN_PLAYBOOKS }, { placeholdersIn }] = await Promise.all([
      import('../core/policy/policy.ts'),
      import('../playbooks/known.ts'),
      import('../core/policy/placeholders.ts'),
    ]);
    const policy = await loadPolicy(this.file, KNOWN_PLAYBOOKS).catch((error) => refuse(error.message));
    const invented = placeholdersIn(policy);
    if (invented.length === 0 || this.options['allow-placeholder']) return;
    refuse(
      `${this.file} names ${invented.join(', ')}, who are in no Slack workspace: no one could approve.\n` +
        `Fix: put your own people under approvers, or run npx firebreak init; --allow-placeholder packages it all the same.`,
    );
  }

  /** deploy/generated/ is made from the policy that comes along. */
  async denyWhatIsProtected() {
    if (this.file === 'policy.yml') return;
    const [{ stackRoles }, { RIGHTS }] = await Promise.all([
      import('./roles.ts'),
      import('../playbooks/known.ts'),
    ]);
    // The framework has filled in its variables before: what comes now carries the two that roles use.
    const { service } = this.serverless;
    const roles = JSON.stringify((await stackRoles(RIGHTS)).Resources)
      .replaceAll('${self:service}', service.service)
      .replaceAll('${sls:stage}', service.provider.stage);
    const [unresolved] = /\$\{\w+:(?!:)[^}]*\}/.exec(roles) ?? [];
    if (unresolved) refuse(`The roles name ${unresolved}, which is not filled in`);
    Object.assign(service.resources.Resources, JSON.parse(roles));
  }
}

/** Returns what every function reads as policy.json: the policy of this folder, checked; no function parses YAML. */
export async function compiledPolicy(folder) {
  const [{ compilePolicy }, { KNOWN_PLAYBOOKS }] = await Promise.all([
    import('../core/policy/policy.ts'),
    import('../playbooks/known.ts'),
  ]);
  const file = policyOf(folder);
  return compilePolicy(readFileSync(resolve(folder, file), 'utf8'), file, KNOWN_PLAYBOOKS);
}

function policyOf(folder) {
  const given = process.env.FIREBREAK_POLICY ?? named(folder) ?? 'policy.yml';
  const file = relative(folder, resolve(folder, given)).split(sep).join('/');
  if (file.startsWith('../'))
    refuse(
      `${given} is outside ${folder}, which is what gets packaged.\nFix: keep the policy in firebreak/policy.yml there.`,
    );
  return file;
}

function named(folder) {
  try {
    return JSON.parse(readFileSync(resolve(folder, 'firebreak.json'), 'utf8')).policy;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    return refuse(`firebreak.json cannot be read: ${error.message}`);
  }
}

function refuse(message) {
  throw Object.assign(new Error(message), { name: 'ServerlessError', code: 'POLICY_REFUSED' });
}

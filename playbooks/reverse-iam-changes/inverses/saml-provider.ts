import { parseArn } from '../../../core/aws/arn.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** A SAML provider cannot be switched off, only deleted or given other metadata. */
export const samlProvider = defineByHand({
  id: 'saml-provider',
  danger: 'lets back in',
  calls: { source: 'iam.amazonaws.com', names: ['CreateSAMLProvider', 'UpdateSAMLProvider'] },
  does: 'delete a provider that was created, or upload the metadata of your identity provider again',
  next({ name, at, request, response }, { partition, account }) {
    const arn = textIn(request, 'sAMLProviderArn') ?? textIn(response, 'sAMLProviderArn') ?? '';
    const owner = parseArn(arn);
    const known =
      owner?.partition === partition &&
      owner.account === account &&
      /^saml-provider\/[\w._-]{1,128}$/.test(owner.resource);
    const options = known ? { 'saml-provider-arn': arn } : undefined;
    const operation = name === 'CreateSAMLProvider' ? 'iam delete-saml-provider' : 'iam get-saml-provider';
    const command = options && awsCommand(operation, options);
    return {
      what: `a SAML provider was ${name === 'CreateSAMLProvider' ? 'created' : 'changed'} (${said({ name, at })})`,
      next: command ?? 'Look at the SAML providers of the account in the IAM console.',
    };
  },
  example: { eventName: 'CreateSAMLProvider', requestParameters: { name: 'idp' } },
});

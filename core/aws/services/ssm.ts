/** The Systems Manager calls Firebreak makes. */
export {
  DescribeDocumentCommand,
  DescribeDocumentPermissionCommand,
  GetParametersCommand,
  ListDocumentVersionsCommand,
  ModifyDocumentPermissionCommand,
  SSMClient as Client,
  UpdateDocumentDefaultVersionCommand,
} from '@aws-sdk/client-ssm';

/** Ten types that playbooks of different kinds answer, for findings made in turn. */
export const TYPES: readonly [string, ...string[]] = [
  'UnauthorizedAccess:EC2/MaliciousIPCaller.Custom',
  'Backdoor:EC2/C&CActivity.B!DNS',
  'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
  'CryptoCurrency:EC2/BitcoinTool.B!DNS',
  'UnauthorizedAccess:IAMUser/TorIPCaller',
  'Backdoor:Lambda/C&CActivity.B',
  'Execution:ECS/MaliciousFile',
  'Policy:S3/BucketAnonymousAccessGranted',
  'Stealth:IAMUser/CloudTrailLoggingDisabled',
  'CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin',
];

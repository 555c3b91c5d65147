/**
 * Finding types that are answered by containing the principal. Left out on purpose: Policy:S3/* (the bucket is closed),
 * Stealth:* (logging is restored; the principal is a second question), Object:S3/* (the object is tagged). A rule that
 * is automatic because closing or restoring is harmless must never end in switching off someone's credentials.
 */
const PURPOSES = [
  'CredentialAccess',
  'Discovery',
  'Exfiltration',
  'Impact',
  'InitialAccess',
  'PenTest',
  'Persistence',
  'PrivilegeEscalation',
  'Recon',
  'UnauthorizedAccess',
];

/**
 * Custom Detection Rules: calls in CloudTrail that the owner said should not happen in an account. The type names the
 * service that was called, and what was called is no instance, function or database that does harm: who called is contained.
 * Source: GuardDuty user guide, "Custom Detection Rules finding types". That they carry `accessKeyDetails` is unproven [M].
 */
export const CUSTOM_DETECTION: readonly string[] = [
  'CredentialAccess:EC2/*',
  'CredentialAccess:RDS/ModifyAuthenticationProcess',
  'DefenseImpairment:*',
  'Execution:SageMaker/*',
  'Exfiltration:EC2/*',
  'Exfiltration:RDS/TransferDataToCloudAccount',
  'Impact:SES/*',
  'InitialAccess:IAM/*',
  'InitialAccess:RDS/ExploitPublicFacingApplication',
  'LateralMovement:*',
  'Persistence:EC2/*',
  'Persistence:IAM/*',
  'Persistence:Lambda/*',
  'Persistence:RolesAnywhere/*',
  'PrivilegeEscalation:IAM/*',
  'ResourceDevelopment:*',
];

export const PRINCIPAL_TYPES: readonly string[] = [
  ...PURPOSES.map((purpose) => `${purpose}:IAMUser/*`),
  'DefenseEvasion:IAMUser/AnomalousBehavior',
  ...CUSTOM_DETECTION,
];

/** The same on buckets: the principal may be one that IAM here cannot contain. */
export const BUCKET_PRINCIPAL_TYPES: readonly string[] = PURPOSES.map((purpose) => `${purpose}:S3/*`);

/**
 * Finding types that are answered by containing the principal. Left out on purpose: Policy:S3/* (the bucket is closed),
 * Stealth:* (logging is restored; the principal is a second question), Object:S3/* (the object is tagged). A rule that
 * is automatic because closing or restoring is harmless must never end in switching off somebody's credentials.
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

export const PRINCIPAL_TYPES: readonly string[] = [
  ...PURPOSES.map((purpose) => `${purpose}:IAMUser/*`),
  'DefenseEvasion:IAMUser/AnomalousBehavior',
];

/** The same on buckets: the principal may be one that IAM here has no lever on. */
export const BUCKET_PRINCIPAL_TYPES: readonly string[] = PURPOSES.map((purpose) => `${purpose}:S3/*`);

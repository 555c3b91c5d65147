/** Playbooks that cannot be played on moto at all, with what it lacks. Every other one has a test here that begins with its id. */
export const UNPLAYED: Readonly<Record<string, string>> = {
  'evict-database-user':
    'moto knows no default parameters of RDS, rotates no secret that RDS manages, and its Data API runs no statement',
  'end-sign-in-sessions': 'moto has no AWS Sign-In',
  'disable-bedrock-keys': 'moto has no service-specific credentials',
  'contain-kubernetes-identity': 'moto has no EKS access entries and no Kubernetes API',
  'quarantine-pod': 'moto has no Kubernetes API, and no EKS access entries to reach one',
  'restore-detection': 'moto has no lists, publishing destinations and members of GuardDuty',
  'reverse-alerting-changes': 'moto keeps no event history of CloudTrail',
  'reverse-code-changes': 'moto keeps no event history of CloudTrail',
  'reverse-function-changes': 'moto keeps no event history of CloudTrail',
  'reverse-deletion-changes': 'moto keeps no event history of CloudTrail',
  'reverse-detection-changes': 'moto keeps no event history of CloudTrail',
  'reverse-bucket-changes': 'moto keeps no event history of CloudTrail',
  'reverse-exposure-changes': 'moto keeps no event history of CloudTrail',
  'reverse-policy-changes': 'moto keeps no event history of CloudTrail',
  'reverse-iam-changes': 'moto keeps no event history of CloudTrail',
  'reverse-logging-changes': 'moto keeps no event history of CloudTrail',
  'reverse-network-changes': 'moto keeps no event history of CloudTrail',
  'reverse-sharing-changes': 'moto keeps no event history of CloudTrail',
  'block-prompt-attacks': 'moto has no guardrails of Bedrock',
};

/** Why principals that are not an assumed role are not contained here, and what works instead. */
export function worksInstead(userType: string): string {
  switch (userType) {
    case 'Root':
      return 'root cannot be contained by IAM: deny it by an SCP with aws:AssumedRoot, or remove its keys by AssumeRoot (a person)';
    case 'FederatedUser':
      return 'a federated session carries the policies of the IAM user that issued it: deny that user';
    case 'AWSAccount':
    case 'AWSService':
      return `the caller is an ${userType}: it has no session of a role here; take its access away on the resource`;
    default:
      return `the principal is not an assumed role (${userType.slice(0, 40) || 'no user type'})`;
  }
}

/** Returns a policy's text without its follow-ups, each of which is a line, or several where its list is long. */
export const withoutFollowUps = (text: string): string =>
  text.replaceAll(/^ *followUp:.*(\n +\[[^\]]*\])?$/gm, '');

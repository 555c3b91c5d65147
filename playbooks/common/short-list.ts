/** The first ten of a list, and how many more there are: a card that an attacker can make long is not read. */
export const shortList = (values: readonly string[]): string =>
  values.length > 10 ? `${values.slice(0, 10).join(', ')} and ${values.length - 10} more` : values.join(', ');

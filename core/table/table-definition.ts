/**
 * Keys and indexes of the one table, as CreateTable takes them. deploy/resources.yml says the same to CloudFormation; a
 * test compares the two.
 */

/** Attributes of an incident's record that its list needs. DynamoDB projects up to 100 over all indexes of a table. */
const LISTED = ['row', 'status', 'severity', 'account', 'region', 'family', 'search'];

const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });
const index = (
  IndexName: string,
  hash: string,
  range: string,
  NonKeyAttributes: readonly string[] = LISTED,
) => ({
  IndexName,
  KeySchema: [key(hash, 'HASH'), key(range, 'RANGE')],
  Projection: { ProjectionType: 'INCLUDE' as const, NonKeyAttributes: [...NonKeyAttributes] },
});

/**
 * `gsi1` holds the incidents of a month and the decisions that the workflow has not resumed for; then one index for each
 * thing a list is filtered by, so that a rare value is found by key; `took` orders what was contained in a year by how long it took.
 */
export const TABLE_DEFINITION = {
  AttributeDefinitions: [
    ...[
      'pk',
      'sk',
      'gsi1pk',
      'gsi1sk',
      'statusMonth',
      'severityMonth',
      'accountMonth',
      'regionMonth',
      'familyMonth',
      'tookYear',
    ].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
    { AttributeName: 'took', AttributeType: 'N' as const },
  ],
  KeySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
  GlobalSecondaryIndexes: [
    index('gsi1', 'gsi1pk', 'gsi1sk'),
    index('status', 'statusMonth', 'gsi1sk'),
    index('severity', 'severityMonth', 'gsi1sk'),
    index('account', 'accountMonth', 'gsi1sk'),
    index('region', 'regionMonth', 'gsi1sk'),
    index('family', 'familyMonth', 'gsi1sk'),
    index('took', 'tookYear', 'took', ['row', 'gsi1sk']),
  ],
};

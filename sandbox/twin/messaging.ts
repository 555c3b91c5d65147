/** Services that receive messages: pages, incident events, archived findings, parameters. */
import type { Answers } from './twin.ts';

export const messaging: Readonly<Record<string, Answers>> = {
  SNS: {
    Publish: ({ state, input, nextId }) => {
      state.pages.push({ subject: String(input['Subject']), message: String(input['Message']) });
      return { MessageId: nextId('message') };
    },
  },
  EventBridge: {
    PutEvents: ({ state, input, nextId }) => {
      const entries = input['Entries'] as { Source: string; DetailType: string; Detail: string }[];
      for (const entry of entries) {
        state.events.push({ source: entry.Source, detailType: entry.DetailType, detail: entry.Detail });
      }
      return { FailedEntryCount: 0, Entries: entries.map(() => ({ EventId: nextId('event') })) };
    },
  },
  SecurityHub: {
    BatchUpdateFindings: ({ state, input }) => {
      const findings = input['FindingIdentifiers'] as { Id: string; ProductArn: string }[];
      const { Status } = input['Workflow'] as { Status: string };
      const { Text } = input['Note'] as { Text: string };
      for (const { Id } of findings) state.securityHub.push({ finding: Id, status: Status, note: Text });
      return { ProcessedFindings: findings, UnprocessedFindings: [] };
    },
  },
  SSM: {
    GetParameters: ({ state, input }) => {
      const names = input['Names'] as string[];
      return {
        Parameters: names.flatMap((Name) =>
          Object.hasOwn(state.parameters, Name) ? [{ Name, Value: state.parameters[Name] }] : [],
        ),
        InvalidParameters: names.filter((name) => !Object.hasOwn(state.parameters, name)),
      };
    },
  },
};

/** The published schema of incident events: a file for anyone who reads it, and an entry in a schema registry of the stack. */
import { z } from 'zod';
import { EVENT_DETAIL_TYPE, EVENT_SOURCE, incidentEventSchema } from '../core/incident/event.ts';

const SERVICE = '${self:service}-${sls:stage}';

export const eventSchema = (): object => z.toJSONSchema(incidentEventSchema);

/**
 * EventBridge names a schema by source and detail type, and takes JSON Schema of draft 4. Some Regions have no registries: the
 * parameter `event-schemas` leaves it out.
 */
export const schemaRegistry = (): Readonly<Record<string, object>> => ({
  EventSchemas: {
    Type: 'AWS::EventSchemas::Registry',
    Condition: 'SchemaRegistry',
    Properties: { RegistryName: SERVICE, Description: 'Events that Firebreak sends' },
  },
  IncidentEventSchema: {
    Type: 'AWS::EventSchemas::Schema',
    Condition: 'SchemaRegistry',
    Properties: {
      RegistryName: { 'Fn::GetAtt': ['EventSchemas', 'RegistryName'] },
      SchemaName: `${EVENT_SOURCE}@${EVENT_DETAIL_TYPE.replaceAll(' ', '')}`,
      Type: 'JSONSchemaDraft4',
      Description: 'An incident as it stands when the event is sent; the detail of the event',
      Content: JSON.stringify(z.toJSONSchema(incidentEventSchema, { target: 'draft-4' })),
    },
  },
});

/** The EventBridge Scheduler calls Firebreak makes. */
export {
  GetScheduleCommand,
  SchedulerClient as Client,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';

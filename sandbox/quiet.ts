/**
 * Imported before the handlers: Powertools reads these when its logger and metrics are made. On one machine people read
 * the incident; the JSON lines that CloudWatch takes would only bury it.
 */
process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
process.env['POWERTOOLS_METRICS_DISABLED'] ??= 'true';

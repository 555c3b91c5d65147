/** The `service.action` of a simulated finding, and what goes with it: how the activity was seen. */
import type { JsonObject } from '../../core/json.ts';

const ATTACKER = '198.51.100.77';

const remoteIpDetails: JsonObject = {
  ipAddressV4: ATTACKER,
  organization: { asn: '64500', asnOrg: 'Example Hosting', isp: 'Example Hosting', org: 'Example Hosting' },
  country: { countryName: 'Netherlands' },
  city: { cityName: 'Amsterdam' },
  geoLocation: { lat: 52.37, lon: 4.89 },
};

/** Nothing for a type that GuardDuty reports without an action (files, attack sequences). */
export function actionOf(type: string): JsonObject {
  const [, family = '', name = ''] = /^[^:]+:([^/]+)\/(.+)$/.exec(type) ?? [];
  if (type.startsWith('AttackSequence:') || /MaliciousFile|SuspiciousFile/.test(name)) return {};
  switch (family) {
    case 'IAMUser':
    case 'S3':
      return { action: { actionType: 'AWS_API_CALL', awsApiCallAction: apiCall(name) } };
    case 'Kubernetes':
      return { action: { actionType: 'KUBERNETES_API_CALL', kubernetesApiCallAction: kubernetesCall } };
    case 'RDS':
      return { action: { actionType: 'RDS_LOGIN_ATTEMPT', rdsLoginAttemptAction: { remoteIpDetails } } };
    case 'Runtime':
      if (name === 'SensitiveFileModified')
        return { runtimeDetails: { ...runtimeDetails, context: fileChange } };
      return /DNS|Domain/.test(name) ? dns() : { ...network(), runtimeDetails };
    default:
      if (/PortProbe/.test(name)) return probe();
      return /DNS|Domain|DGA/.test(name) ? dns() : network();
  }
}

const apiCall = (name: string): JsonObject => ({
  api: /Logging/.test(name) ? 'StopLogging' : 'ListBuckets',
  serviceName: /Logging/.test(name) ? 'cloudtrail.amazonaws.com' : 's3.amazonaws.com',
  callerType: 'Remote IP',
  remoteIpDetails,
  // Documented for this type alone: an account that is none of ours.
  ...(name.endsWith('.InsideAWS')
    ? { remoteAccountDetails: { accountId: '444455556666', affiliated: false } }
    : {}),
  affectedResources: {},
});

const kubernetesCall: JsonObject = {
  requestUri: '/api/v1/secrets',
  verb: 'list',
  statusCode: 200,
  userAgent: 'kubectl/v1.33',
  sourceIps: [ATTACKER],
  remoteIpDetails,
};

const runtimeDetails: JsonObject = {
  process: {
    name: 'sh',
    executablePath: '/tmp/.x/sh',
    executableSha256: '0'.repeat(64),
    pid: 4242,
    euid: 0,
    user: 'root',
    lineage: [
      { name: 'cron', executablePath: '/usr/sbin/cron', pid: 800 },
      { name: 'sh', executablePath: '/bin/sh', pid: 4200 },
    ],
  },
};

const fileChange: JsonObject = { filePath: '/etc/ld.so.preload', fileOperation: 'Write' };

const network = (): JsonObject => ({
  action: {
    actionType: 'NETWORK_CONNECTION',
    networkConnectionAction: {
      connectionDirection: 'OUTBOUND',
      protocol: 'TCP',
      blocked: false,
      localPortDetails: { port: 41_234, portName: 'Unknown' },
      remotePortDetails: { port: 443, portName: 'HTTPS' },
      localIpDetails: { ipAddressV4: '10.0.1.10' },
      remoteIpDetails,
    },
  },
});

const dns = (): JsonObject => ({
  action: {
    actionType: 'DNS_REQUEST',
    dnsRequestAction: { domain: 'c2.example.net', protocol: 'UDP', blocked: false },
  },
});

const probe = (): JsonObject => ({
  action: {
    actionType: 'PORT_PROBE',
    portProbeAction: {
      blocked: false,
      portProbeDetails: [
        {
          localPortDetails: { port: 22, portName: 'SSH' },
          localIpDetails: { ipAddressV4: '10.0.1.10' },
          remoteIpDetails,
        },
      ],
    },
  },
});

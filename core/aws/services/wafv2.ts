/** The AWS WAF calls Firebreak makes. */
export {
  GetIPSetCommand,
  ListIPSetsCommand,
  UpdateIPSetCommand,
  WAFV2Client as Client,
} from '@aws-sdk/client-wafv2';

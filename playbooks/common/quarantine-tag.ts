/**
 * The tag on what Malware Protection found malicious. People's own policies act on it: a bucket policy by
 * s3:ExistingObjectTag, an SCP by ec2:ResourceTag.
 */
export const QUARANTINE_TAG = 'firebreak-quarantine';

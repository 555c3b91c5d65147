/**
 * Preloaded into the commands whose output stands in README and docs (`node --import`): the clock stands still and what is
 * drawn at random is drawn in order, so that the same command prints the same text.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

const AT = Date.parse('2026-11-25T14:59:00Z');

globalThis.Date = class extends Date {
  constructor(...given) {
    super(...(given.length === 0 ? [AT] : given));
  }
  static now() {
    return AT;
  }
};

let drawn = 0;
const bytes = (size) => {
  const parts = [];
  for (let length = 0; length < size; length += 32)
    parts.push(crypto.createHash('sha256').update(`${drawn++}`).digest());
  return Buffer.concat(parts).subarray(0, size);
};
crypto.randomBytes = bytes;
crypto.randomUUID = () =>
  bytes(16)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
syncBuiltinESMExports();

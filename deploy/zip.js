/** Zip archives that are the same for the same files, whenever they are made. */
import { crc32, deflateRawSync } from 'node:zlib';

const LOCAL = 0x04034b50;
const DIRECTORY = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const DEFLATED = 8;
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** 1980-01-01, the first day a zip can name. */
const DATE = 0x0021;
/** Made on Unix, for a regular file that all may read: Lambda runs as another user. */
const MADE_BY = (3 << 8) | VERSION;
const READABLE = 0o100644;

/** Bytes are packed once, whatever number of archives they are in. @type {WeakMap<Uint8Array, Buffer>} */
const packed = new WeakMap();

/** @param {Uint8Array} content */
function packedOf(content) {
  const made = packed.get(content) ?? deflateRawSync(content, { level: 9 });
  packed.set(content, made);
  return made;
}

/**
 * Returns the archive, its files in the order of their names.
 * @type {typeof import('./zip.js').zip}
 */
export function zip(files) {
  /** @type {Buffer[]} */
  const parts = [];
  /** @type {Buffer[]} */
  const directory = [];
  let at = 0;
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name) ?? new Uint8Array();
    const data = packedOf(content);
    const path = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(VERSION, 0);
    common.writeUInt16LE(FLAGS, 2);
    common.writeUInt16LE(DEFLATED, 4);
    common.writeUInt16LE(DATE, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(path.length, 22);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(READABLE * 0x10000, 6);
    entry.writeUInt32LE(at, 10);
    directory.push(head(DIRECTORY, MADE_BY), common, entry, path);
    parts.push(head(LOCAL), common, path, data);
    at += 4 + common.length + path.length + data.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.size, 4);
  end.writeUInt16LE(files.size, 6);
  end.writeUInt32LE(index.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, index, head(END), end]);
}

/**
 * @param {number} signature
 * @param {number[]} more
 */
function head(signature, ...more) {
  const bytes = Buffer.alloc(4 + 2 * more.length);
  bytes.writeUInt32LE(signature);
  for (const [index, value] of more.entries()) bytes.writeUInt16LE(value, 4 + 2 * index);
  return bytes;
}

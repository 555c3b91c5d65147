/** The letters of the picture: Roboto (Apache-2.0), as the package roboto-fontface has it, in the form that pureimage reads. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { registerFont } from 'pureimage';
import roboto from './roboto.json' with { type: 'json' };

const FAMILY = 'Roboto';
let loaded = false;

/** Returns the name of the font for a canvas; pureimage reads fonts from files only. */
export function pictureFont(): string {
  if (loaded) return FAMILY;
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-font-'));
  try {
    const path = join(folder, 'roboto.ttf');
    writeFileSync(path, sfntOf(Buffer.from(roboto.woff, 'base64')));
    registerFont(path, FAMILY).loadSync();
  } finally {
    rmSync(folder, { recursive: true });
  }
  loaded = true;
  return FAMILY;
}

/** Sizes of what both formats consist of, in bytes. */
const WOFF = { header: 44, entry: 20 } as const;
const SFNT = { header: 12, entry: 16 } as const;

/** Returns a WOFF file's font with its tables unpacked (W3C WOFF 1.0, sections 4 and 5). */
function sfntOf(woff: Buffer): Buffer {
  const count = woff.readUInt16BE(12);
  const head = Buffer.alloc(SFNT.header + count * SFNT.entry);
  woff.copy(head, 0, 4, 8);
  head.writeUInt16BE(count, 4);
  const tables: Buffer[] = [];
  let at = head.length;
  for (let index = 0; index < count; index++) {
    const entry = WOFF.header + index * WOFF.entry;
    const [offset, packed, length] = [4, 8, 12].map((field) => woff.readUInt32BE(entry + field));
    if (offset === undefined || packed === undefined || length === undefined) continue;
    const stored = woff.subarray(offset, offset + packed);
    const table = packed < length ? inflateSync(stored) : stored;
    const to = SFNT.header + index * SFNT.entry;
    woff.copy(head, to, entry, entry + 4);
    woff.copy(head, to + 4, entry + 16, entry + 20);
    head.writeUInt32BE(at, to + 8);
    head.writeUInt32BE(length, to + 12);
    const padded = Buffer.alloc(Math.ceil(length / 4) * 4);
    table.copy(padded);
    tables.push(padded);
    at += padded.length;
  }
  return Buffer.concat([head, ...tables]);
}

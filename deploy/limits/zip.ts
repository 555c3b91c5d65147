/** How large a zip archive is once it is unpacked, from its central directory (APPNOTE 4.3.12). */
const END = 0x06054b50;
const ENTRY = 0x02014b50;

/** Throws where the bytes are not a zip archive. Archives above 4 GB are not read. */
export function unzippedBytes(zip: Buffer): number {
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== END) end--;
  if (end < 0) throw new Error('not a zip archive: it has no end of a central directory');
  const entries = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  let bytes = 0;
  for (let index = 0; index < entries; index++) {
    if (zip.readUInt32LE(at) !== ENTRY) throw new Error(`not a zip archive: entry ${index} is damaged`);
    bytes += zip.readUInt32LE(at + 24);
    at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return bytes;
}

/**
 * A `run --json` in a process of its own that says how much it keeps: `node --expose-gc heap-of-run.ts FIRST LAST COMMAND…` writes
 * to standard error the bytes of its heap, once nothing unused is left there, after that many findings.
 */
const [, , first = '', last = '', ...words] = process.argv;
const at = new Set([Number(first), Number(last)]);
let findings = 0;
const write = process.stdout.write.bind(process.stdout) as (text: string) => boolean;
process.stdout.write = (text: string | Uint8Array) => {
  if (String(text).startsWith('{"index"')) findings += 1;
  if (at.delete(findings)) {
    globalThis.gc?.();
    console.error(`heap: ${process.memoryUsage().heapUsed}`);
  }
  return write(String(text));
};
process.argv.splice(2, process.argv.length, ...words);
await import('../../cli/main.ts');

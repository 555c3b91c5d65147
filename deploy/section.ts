/** A part of what a check prints: its title and a line for each thing found. Nothing where nothing was found. */
export function section(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  console.log(`\n${title}:`);
  for (const line of lines) console.log(`  - ${line}`);
  console.log();
}

/** Where the installed package starts, on the Node it was installed with. */
if (Number.parseInt(process.versions.node, 10) < 24) await import('./polyfills.ts');
await import('../../cli/main.ts');

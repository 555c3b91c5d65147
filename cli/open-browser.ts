/** Opens a page where a person sits in front of a screen; anywhere else nothing happens. */
import open from 'open';

/** Returns true where there is a terminal and a screen, and no one works over a remote shell or in a build. */
export function hasScreen(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  isTerminal: boolean = process.stdout.isTTY === true,
): boolean {
  if (!isTerminal || env['CI'] || env['SSH_CONNECTION'] || env['SSH_TTY']) return false;
  return platform === 'darwin' || platform === 'win32' || Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
}

/** Returns false where the browser did not start: the address is on the terminal all the same. */
export async function openBrowser(url: string): Promise<boolean> {
  try {
    const started = await open(url);
    started.once('error', () => {});
    return true;
  } catch {
    return false; // no browser: the person opens the address
  }
}

/** A folder that one process has at a time. */
import { ClassicLevel } from 'classic-level';

/**
 * Keeps a folder for this process until what it returns is called or the process ends; undefined where another has it.
 * The lock is LevelDB's own, which the operating system takes from a process that is killed.
 */
export async function lockFolder(folder: string): Promise<(() => Promise<void>) | undefined> {
  const level = new ClassicLevel(folder);
  try {
    await level.open();
  } catch (error) {
    if (isLocked(error)) return undefined;
    throw error;
  }
  return () => level.close();
}

const isLocked = (error: unknown): boolean =>
  error instanceof Error && (('code' in error && error.code === 'LEVEL_LOCKED') || isLocked(error.cause));

import { visible } from '../core/invisible.ts';

/** HTML text: markup escaped, what cannot be seen shown as its code. */
export const html = (text: string): string =>
  visible(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

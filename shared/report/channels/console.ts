import { formatMessageText } from '../message-text.ts';
import type { ReportChannel } from './channel.ts';

const shownLines = 100;

/** The message as text, with a line break at its end, to whatever `write` stands for. */
export const consoleChannel = (write: (text: string) => void): ReportChannel => ({
  name: 'console',
  async report(message) {
    write(`${formatMessageText(message, { shownLines })}\n`);
  },
});

/** A Slack in which nothing was said yet. */
import type { SlackDesk } from '../../../console/slack/desk.ts';

export const emptyDesk = (): SlackDesk => {
  const ok = async () => ({ statusCode: 200, body: '' });
  return {
    users: [{ id: 'U0BOB', name: 'Bob' }],
    channels: [{ id: 'C0INCIDENTS', name: 'incidents' }],
    messages: [],
    ephemerals: [],
    modals: [],
    click: ok,
    clickInModal: ok,
    submit: async () => ({ statusCode: 200, body: '', errors: {} }),
    command: ok,
    dismiss: () => {},
  };
};

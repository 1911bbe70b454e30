// What the tests of the chats share: a message, an approval, and a sender with real HTTP under it.
import type { ChannelSetting } from '@mandate/kernel';
import { createPost } from '../executors/notice-post.ts';
import { parseMasterKeys } from '../../platform/crypto/master-key.ts';
import type { AskedApproval } from './asked.ts';
import { createButtons } from './button.ts';
import { compose } from './compose.ts';
import { toHtml, toText } from './document.ts';
import { channel, TEN_MS } from './kit.test.ts';
import type { ChannelMessage, Content } from './message.ts';

const ID = '01a1f8c9-ce80-7768-81c7-0323a7d4cc4e';

export const ASKED: AskedApproval = {
  id: ID,
  digest: 'cfa9d9d2b9e9f2b520e08f300859be1a10605612c83aa49b1e408cb02773e44c',
  title: 'deploy.production by builder-1',
  agent: 'builder-1',
  action: 'deploy.production',
  display: { parameters: { version: 'v2' } },
  requester: 'key:test',
  why: ['The rule deploy.production asks for approval.'],
  needs: 'tech-lead',
  expiresMs: TEN_MS + 3_600_000,
  isOpen: true,
  decided: null,
};

export const QUESTION: Content = {
  kind: 'approval',
  approvalId: ID,
  actId: null,
  agent: 'builder-1',
  action: 'deploy.production',
  words: 'deploy to production',
  reasons: [],
  parameters: {},
  requiredRoles: [],
  quorum: 1,
  expiresMs: TEN_MS,
  atMs: TEN_MS,
  traceId: null,
  escalated: false,
};

export const TEST_CONTENT: Content = { kind: 'test', by: 'key:ada', atMs: TEN_MS };

export function messageOf(content: Content, to: string): ChannelMessage {
  const link = content.kind === 'approval' ? 'https://mandate.example/approvals/x' : null;
  const actUrl = (id: string): string => `https://mandate.example/actions/${id}`;
  const incidentUrl = (id: string): string => `https://mandate.example/incidents/${id}`;
  const reportUrl = (id: string): string => `https://mandate.example/reports/${id}`;
  const document = compose(content, {
    zone: 'UTC',
    actUrl,
    incidentUrl,
    reportUrl,
    approvalUrl: link,
    sentAgain: false,
    id: ID,
  });
  return {
    id: ID,
    tenant: 'acme',
    channel: 'team',
    kind: content.kind,
    urgent: false,
    to,
    user: null,
    subject: document.subject,
    text: toText(document),
    html: toHtml(document),
    blocks: document.blocks,
    content,
    link,
    sentAgain: false,
    attempt: 1,
    atMs: TEN_MS,
  };
}

export function chatNeeds(token: string | null, asked: AskedApproval = ASKED) {
  return {
    post: createPost(),
    secrets: (name: string): string | null => (name === 'token' ? token : 'proof'),
    buttons: createButtons(
      parseMasterKeys(Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64'), 'test'),
    ),
    ask: () => Promise.resolve(asked),
  };
}

export function chat(
  kind: ChannelSetting['kind'],
  options: Readonly<Record<string, string>>,
  over: Partial<ChannelSetting> = {},
): ChannelSetting {
  return channel({ kind, to: [], secret: 'token', allowPrivate: true, options, ...over });
}

export const SIGNAL = new AbortController().signal;

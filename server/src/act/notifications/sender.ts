// The one thing that every way out has in common, be it mail, a webhook or a chat. Whoever tries and whoever sends
// speak of it, and neither needs to know the other.
import type { ChannelSetting } from '@mandate/kernel';
import type { ChannelAnswer, ChannelMessage } from './message.ts';

/** How messages of one kind are sent. Never throws for what the other side does. */
export type Sender = (
  message: ChannelMessage,
  setting: ChannelSetting,
  signal: AbortSignal,
) => Promise<ChannelAnswer>;

// What an incident means to people: how bad it is, what happened, which one it is and what they do next, so that whoever
// is woken by it need not look anywhere to know whether to get up.
import type { JsonObject } from '@mandate/kernel';
import type { EventLine } from './message.ts';

type Say = (name: string) => string;

/** `Critical incident: Freight doubled: order 77 was sent twice`; null for what is about no incident. */
export function incidentText(kind: string, actor: string, say: Say): string | null {
  if (!kind.startsWith('incident.')) return null;
  const severity = say('severity');
  const named =
    severity === '' ? 'Incident' : `${severity.charAt(0).toUpperCase()}${severity.slice(1)} incident`;
  const title = say('title') || say('summary');
  const of = title === '' ? named : `${named}: ${title}`;
  if (kind === 'incident.resolved')
    return `${actor} resolved an incident: ${[title, say('reason')].filter(isSaid).join(': ')}`;
  if (say('from') !== '' && say('to') !== '')
    return `${of}: ${actor} called it ${say('to')} instead of ${say('from')}: ${say('reason')}`;
  if (say('note') !== '') return `${of}: ${actor} noted: ${say('note')}`;
  return say('cause') === '' ? of : `${of}: ${say('cause')}`;
}

/** What stands under the headline of an incident, and where it is looked at; empty for every other entry. */
export function incidentMore(
  kind: string,
  data: JsonObject,
  say: Say,
): Pick<EventLine, 'incidentId' | 'more'> {
  const id = say('incident');
  if (!kind.startsWith('incident.') || id === '') return {};
  const acts = Array.isArray(data['acts']) ? data['acts'].length : 0;
  const involved =
    acts === 0
      ? ''
      : `${acts} ${acts === 1 ? 'act' : 'acts'} involved${data['fromAutonomousActions'] === true ? ', at least one of which ran without a person' : ''}.`;
  const next =
    kind === 'incident.resolved'
      ? `It is closed. What was said of it: mandate incident show ${id}`
      : `Next: mandate incident show ${id} shows what happened; mandate stop stops what must not go on; mandate incident resolve ${id} --reason "…" closes it.`;
  return {
    incidentId: id,
    more: [
      [`Severity ${say('severity')}`, say('set') === '' ? '' : `governed set ${say('set')}`, `incident ${id}`]
        .filter(isSaid)
        .join(' · '),
      ...(involved === '' ? [] : [involved]),
      next,
    ],
  };
}

function isSaid(words: string): boolean {
  return words !== '';
}

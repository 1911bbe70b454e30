// Incidents, handed what they need: the governed sets of the charter in force, and whoever looks at once when one is
// critical. Who that is comes later in the day than incidents do, so they say it themselves (`onCritical`).
import type { Infrastructure } from '../infrastructure.ts';
import type { Incident } from '../detect/incidents/incident.ts';
import { createIncidents } from '../detect/incidents/incidents.ts';
import { incidentRoutes } from '../detect/incidents/routes.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { Judgement } from './judgement.ts';

export type IncidentParts = ReturnType<typeof buildIncidents>;

export function buildIncidents(
  { store, clock, chance, log }: Infrastructure,
  { activeLaw }: Pick<Judgement, 'activeLaw'>,
) {
  const listeners: ((incident: Incident) => Promise<unknown>)[] = [];
  const incidents = createIncidents({
    store,
    clock,
    chance,
    writeEntry,
    setsOf: async (tenant) => ((await activeLaw(tenant))?.charter.phases ?? []).map(({ name }) => name),
    becameCritical(incident) {
      for (const listen of listeners)
        listen(incident).catch((error: unknown) =>
          log.error(
            { err: error, incident: incident.id },
            'a critical incident is on record, but not everybody who looks at once did; it is looked at with the next check',
          ),
        );
    },
  });
  return {
    incidents,
    routes: incidentRoutes(incidents),
    /** Called after each incident that is or becomes critical, in this process. */
    onCritical: (listen: (incident: Incident) => Promise<unknown>): void => void listeners.push(listen),
  };
}

// What several files are once they are one charter, still as written. The sections are read from it one by one, and
// each needs to know where a word of it stood.
import type { Tier } from '@mandate/kernel';
import type { Path, Place } from './error.ts';
import type { YamlFile } from './parse.ts';
import type { DraftRule, RuleSettings } from './rules.ts';
import type { WrittenAction, WrittenCharter } from './schema.ts';

export interface MergedAction {
  readonly match: string;
  readonly setting: WrittenAction;
  readonly origin: string;
  /** Where a field of it was last written. */
  readonly placeOf: (field: keyof WrittenAction) => { readonly place: Place; readonly path: Path };
}

export interface Merged {
  readonly sections: Omit<WrittenCharter, 'tiers' | 'sets' | 'actions' | 'extends' | 'version' | 'tests'>;
  readonly rules: readonly DraftRule[];
  readonly tiers: Readonly<Record<Tier, RuleSettings>>;
  readonly sets: Readonly<Record<string, RuleSettings>>;
  readonly actions: readonly MergedAction[];
  /** The last file that writes this path, which is the one whose word counts. */
  readonly fileOf: (path: Path) => YamlFile;
}

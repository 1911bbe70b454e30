interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface MissingEntry {
  readonly key: string;
  readonly wantedBy: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

export function missingEntries(packages: Readonly<Record<string, LockedPackage>>): readonly MissingEntry[];

// What a set of actions is asked to show, one item at a time, as a charter writes it.

export type ReadinessCategory = 'technical' | 'process' | 'organizational';

export const READINESS_CATEGORIES: readonly ReadinessCategory[] = ['technical', 'process', 'organizational'];

interface ItemBase {
  /** Unique within its list. */
  readonly name: string;
  readonly category: ReadinessCategory;
  readonly group: string;
  /** Whole points. */
  readonly weight: number;
  readonly required: boolean;
  /** What to do while it is unmet; null: as its kind has it. */
  readonly next: string | null;
}

export type ReadinessItem =
  /** `when` is CEL over {@link READINESS_ROOTS}. */
  | (ItemBase & { readonly kind: 'measured'; readonly when: string })
  /** Anybody with one of the roles may vouch for it, for at most so long. */
  | (ItemBase & {
      readonly kind: 'attested';
      readonly roles: readonly string[];
      readonly expiresMs: number;
    });

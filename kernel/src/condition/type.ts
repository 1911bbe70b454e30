// The types the checker knows. Roots are declared with them; `dyn` is what only run time can tell, such as anything
// inside an action's parameters.

export type CelType =
  | 'dyn'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | { readonly kind: 'list'; readonly element: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'type'; readonly of: CelType | null };

export function listOf(element: CelType): CelType {
  return { kind: 'list', element };
}

export function mapOf(key: CelType, value: CelType): CelType {
  return { kind: 'map', key, value };
}

/** A type in the words of the language: `list(int)`, `map(string, dyn)`. */
export function formatType(type: CelType): string {
  if (typeof type === 'string') return type;
  switch (type.kind) {
    case 'list':
      return `list(${formatType(type.element)})`;
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`;
    case 'type':
      return type.of === null ? 'type' : `type(${formatType(type.of)})`;
  }
}

/** Names that stand for a type when an expression mentions them, with the type they denote. */
export const TYPE_NAMES: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ['bool', 'bool'],
  ['int', 'int'],
  ['uint', 'uint'],
  ['double', 'double'],
  ['string', 'string'],
  ['bytes', 'bytes'],
  ['list', listOf('dyn')],
  ['map', mapOf('dyn', 'dyn')],
  ['null_type', 'null'],
  ['type', { kind: 'type', of: null }],
  ['google.protobuf.Timestamp', 'timestamp'],
  ['google.protobuf.Duration', 'duration'],
]);

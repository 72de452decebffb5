/**
 * What the structural check needs to know about a message: its fields by number.
 * @typeParam L names of the limits that fields refer to
 */
export interface MessageShape<L extends string = string> {
  readonly name: string;
  readonly fields: ReadonlyMap<number, FieldShape<L>>;
  /** Whether a known field with another wire type counts as unknown and is skipped, as Go does. Default: it is refused. */
  readonly skipsForeignWireTypes?: boolean | undefined;
}

/**
 * A field. `size` limits the bytes of its value, `count` how often it may occur; without `count`, once. The type `varint`
 * stands for uint64, enums and booleans, any varint of 64 bits.
 */
export type FieldShape<L extends string = string> = {
  readonly name: string;
  readonly size?: L | undefined;
  readonly count?: L | undefined;
} & (
  | { readonly type: 'bytes' | 'string' | 'uint32' | 'int64' | 'varint' }
  | { readonly type: 'message'; readonly message: MessageShape<L> }
  /** A map with strings as keys; `message` is the value. */
  | { readonly type: 'map'; readonly keySize: L; readonly message: MessageShape<L> }
);

/** The limits of a check: those that fields name, and the number of fields in all, unknown and nested ones included. */
export type WireLimits<L extends string = string> = Readonly<Record<L | 'maxFields', number>>;

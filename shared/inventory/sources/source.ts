/** What every inventory source is given. */
export interface SourceRequest {
  /** Aborts when the caller gives up or the time allowed for reading has passed. */
  readonly signal: AbortSignal;
  readonly maximumBytes: number;
}

/**
 * A place inventories are read from. `read` answers the whole text, decoded from UTF-8, and never more than
 * `maximumBytes`. Failures: `inventory-missing`, `inventory-unreadable`, `inventory-too-large`.
 */
export interface InventorySource {
  read(location: string, request: SourceRequest): Promise<string>;
}

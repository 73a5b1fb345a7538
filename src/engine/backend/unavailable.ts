/**
 * Something that this machine, kernel or user does not have. `capability` is a row of
 * `netmem doctor`.
 */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
  readonly capability: string;
  /** How to get it. */
  readonly remedy: string;

  constructor(capability: string, message: string, remedy: string) {
    super(message);
    this.capability = capability;
    this.remedy = remedy;
  }
}

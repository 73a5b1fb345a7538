/**
 * A value that its flag cannot take. The message continues the sentence "--flag VALUE ...";
 * whoever knows where the value came from turns it into a NetmemError.
 */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

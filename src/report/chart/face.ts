/** What a text chart may use. */
export interface Face {
  /** Columns of the output. */
  readonly width: number;
  /** Whether block characters can be shown; ASCII otherwise. */
  readonly blocks: boolean;
}

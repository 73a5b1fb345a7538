/** The device that the real providers receive on, and the port that their packets come from. */
export interface ZeroCopyLink {
  /** The interface whose queue gets the provider. */
  readonly interface: string;
  /** The interface that sends the capture's packets to it. */
  readonly peer: string;
  /** RX queue of the provider. */
  readonly queue: number;
  /** zcrx without a device: every byte is copied, on any kernel that has it. */
  readonly nodev: boolean;
}

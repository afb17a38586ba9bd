// What the parts of one call's view share of its recording.
import { signal } from "@preact/signals";

export class Playback {
  /** False once the service said that there is nothing to hear. */
  readonly isThere = signal(true);
  /** Whether its file can still be another, as packets come. */
  readonly mayChange = signal(true);
  readonly seconds = signal(0);
  readonly playing = signal(false);
  /** Heard alone; "" for all together. */
  readonly stream = signal("");
  readonly speed = signal(1);
  /** Set by the player once there is something to hear. */
  readonly seek = signal<((seconds: number) => void) | null>(null);
}

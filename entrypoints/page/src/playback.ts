// What the player and the transcript of one call share.
import { signal } from "@preact/signals";

export class Playback {
  readonly seconds = signal(0);
  readonly playing = signal(false);
  /** Set by the player once there is something to hear. */
  readonly seek = signal<((seconds: number) => void) | null>(null);
}

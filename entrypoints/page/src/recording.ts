// The recording of one call: drawn at once; its sound is fetched when it is first to be heard, and anew for a stream
// alone. While packets may come it is fetched as a whole, for parts of it that are fetched later might not fit; then the
// browser fetches what is near the place that is played.
import { signal } from "@preact/signals";
import { audioPath, getAudio, whyNoAudio } from "./api";
import type { Playback } from "./playback";
import { drawWaveform, type DrawnWaveform } from "./waveform";
import type { Waveform } from "./wire";

export class Recording {
  readonly loading = signal(false);
  /** Whether what is to be heard next has not come yet. */
  readonly stalled = signal(false);
  readonly trouble = signal<string | null>(null);
  private readonly drawn: DrawnWaveform;
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");
  /** Where to go once the seek that is under way is done: wavesurfer would forget it. */
  private next: number | null = null;
  private loaded: string | null = null;
  private asking = new AbortController();

  constructor(
    box: HTMLElement,
    private readonly callId: string,
    private readonly waveform: Waveform,
    private readonly playback: Playback,
  ) {
    this.drawn = drawWaveform(box, waveform);
    const { surfer, paint } = this.drawn;
    surfer.on("timeupdate", (seconds) => (playback.seconds.value = seconds));
    surfer.on("play", () => (playback.playing.value = true));
    surfer.on("pause", () => (playback.playing.value = false));
    surfer.on("finish", () => (playback.playing.value = false));
    surfer.on("error", () => void this.explain());
    const sound = surfer.getMediaElement();
    sound?.addEventListener("waiting", () => (this.stalled.value = true));
    sound?.addEventListener("playing", () => (this.stalled.value = false));
    sound?.addEventListener("seeked", () => this.goOn());
    playback.seek.value = (seconds) => this.seek(Math.max(0, Math.min(seconds, waveform.duration_seconds)));
    this.dark.addEventListener("change", paint);
  }

  destroy(): void {
    this.asking.abort();
    this.dark.removeEventListener("change", this.drawn.paint);
    this.playback.seek.value = null;
    this.playback.playing.value = false;
    this.drawn.destroy();
  }

  private seek(seconds: number): void {
    const { surfer } = this.drawn;
    if (surfer.getMediaElement()?.seeking) this.next = seconds;
    else surfer.setTime(seconds);
  }

  private goOn(): void {
    const seconds = this.next;
    this.next = null;
    if (seconds !== null) this.drawn.surfer.setTime(seconds);
  }

  async toggle(): Promise<void> {
    if (this.loading.peek()) return;
    if (this.drawn.surfer.isPlaying()) this.drawn.surfer.pause();
    else await this.play();
  }

  async hear(stream: string): Promise<void> {
    const goesOn = this.drawn.surfer.isPlaying() || this.loading.peek();
    this.playback.stream.value = stream;
    this.drawn.surfer.pause();
    if (goesOn) await this.play();
  }

  hurry(speed: number): void {
    this.playback.speed.value = speed;
    this.drawn.surfer.setPlaybackRate(speed);
  }

  private async play(): Promise<void> {
    this.trouble.value = null;
    try {
      if (await this.load()) await this.drawn.surfer.play();
    } catch (error) {
      if (!this.drawn.surfer.getMediaElement()?.error) this.trouble.value = (error as Error).message;
    }
  }

  /** The browser does not say why there is nothing to play; the service does. */
  private async explain(): Promise<void> {
    this.loaded = null;
    this.drawn.surfer.pause();
    this.trouble.value = await whyNoAudio(this.path());
  }

  private path(): string {
    return audioPath(this.callId, this.playback.stream.peek() || undefined);
  }

  /** False where meanwhile something else was asked for, or nobody is there any more. */
  private async load(): Promise<boolean> {
    const wanted = this.playback.stream.peek();
    if (this.loaded === wanted) return true;
    this.asking.abort();
    const { signal: ended } = (this.asking = new AbortController());
    this.loading.value = true;
    try {
      await this.take(this.playback.mayChange.peek() ? await getAudio(this.path(), ended) : this.path());
      if (!ended.aborted) this.loaded = wanted;
      return !ended.aborted;
    } catch (error) {
      if (ended.aborted) return false;
      throw error;
    } finally {
      if (!ended.aborted) this.loading.value = false;
    }
  }

  /** It is heard from the place on, and at the speed, that were chosen. */
  private async take(audio: Blob | string): Promise<void> {
    const { surfer } = this.drawn;
    const at = this.playback.seconds.peek();
    this.loaded = null;
    const drawn = [this.waveform.streams.map(({ peaks }) => peaks), this.waveform.duration_seconds] as const;
    await (typeof audio === "string" ? surfer.load(audio, ...drawn) : surfer.loadBlob(audio, ...drawn));
    surfer.setPlaybackRate(this.playback.speed.peek());
    surfer.setTime(at);
  }
}

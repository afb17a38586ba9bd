// Reads the same thing again whenever it may have changed: never twice at once, so that no older answer comes after a
// newer one, and not more often than it may. What failed and may pass is asked for again.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Refused } from "./api";
import { onFeed } from "./feed";
import type { CallEvent } from "./wire";

const AFTER_TROUBLE_MILLISECONDS = 2_000;

export class Reader<T> {
  private timer: number | undefined;
  private isReading = false;
  private isOld = false;
  private isOver = false;

  constructor(
    private readonly ask: () => Promise<T>,
    private readonly tell: (answer: T) => void,
    private readonly tellTrouble: (trouble: Refused) => void,
    private readonly apartMilliseconds = AFTER_TROUBLE_MILLISECONDS,
  ) {}

  now(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.isReading) this.isOld = true;
    else void this.read();
  }

  soon(milliseconds = this.apartMilliseconds): void {
    if (this.isReading) this.isOld = true;
    else this.timer ??= window.setTimeout(() => this.now(), milliseconds);
  }

  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  private async read(): Promise<void> {
    this.isReading = true;
    this.isOld = false;
    let trouble: Refused | null = null;
    try {
      const answer = await this.ask();
      if (!this.isOver) this.tell(answer);
    } catch (error) {
      trouble = Refused.of(error);
      if (!this.isOver) this.tellTrouble(trouble);
    }
    this.isReading = false;
    if (this.isOver) return;
    if (trouble?.mayPass) this.soon(AFTER_TROUBLE_MILLISECONDS);
    else if (this.isOld) this.soon();
  }
}

/** What `ask` answers, for as long as the component is there; `key` says what it is that is asked for. */
export function useFollowed<T>(
  key: string,
  ask: () => Promise<T>,
  concerns: (event: CallEvent) => boolean,
  apartMilliseconds: number,
) {
  const [answer, setAnswer] = useState<T | null>(null);
  const [trouble, setTrouble] = useState<Refused | null>(null);
  const reader = useMemo(() => {
    const told = (latest: T) => (setAnswer(latest), setTrouble(null));
    return new Reader(ask, told, setTrouble, apartMilliseconds);
  }, [key]);
  useEffect(() => {
    const ends = [
      onFeed("call", (event) => {
        if (concerns(event)) reader.soon();
      }),
      onFeed("snapshot", () => reader.now()),
    ];
    reader.now();
    return () => {
      reader.end();
      for (const end of ends) end();
    };
  }, [reader]);
  return { answer, setAnswer, trouble, readNow: () => reader.now() };
}

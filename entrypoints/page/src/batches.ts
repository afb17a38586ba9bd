// What is being reprocessed, and what lately was, whoever asked for it: as the service tells it.
import { signal } from "@preact/signals";
import { getBatches, reprocessMany, type WhatToReprocess } from "./api";
import { onFeed } from "./feed";
import type { Batch } from "./wire";

const AGAIN_MILLISECONDS = 1_000;

export const batches = signal<Batch[]>([]);
let timer: number | undefined;
let followed = false;
let asked = 0;

/** Asks again once a second while something goes on, and when somebody begins. Returns what ends that. */
export function followBatches(): () => void {
  followed = true;
  void look();
  const ends = [
    onFeed("call", (event) => {
      if (event.event === "reprocess_requested") lookSoon();
    }),
    onFeed("snapshot", lookSoon),
  ];
  return () => {
    followed = false;
    clearTimeout(timer);
    timer = undefined;
    for (const end of ends) end();
  };
}

export async function begin(what: WhatToReprocess, perSecond: number): Promise<void> {
  await reprocessMany(what, perSecond);
  void look();
}

async function look(): Promise<void> {
  const mine = ++asked;
  try {
    const found = await getBatches();
    if (mine !== asked) return;
    batches.value = found.batches;
    if (batches.value.every((batch) => batch.finished)) return;
  } catch {
    // What was last known stays; that the service does not answer is told by what else is on the page.
  }
  lookSoon();
}

function lookSoon(): void {
  if (!followed || timer !== undefined) return;
  timer = window.setTimeout(() => {
    timer = undefined;
    void look();
  }, AGAIN_MILLISECONDS);
}

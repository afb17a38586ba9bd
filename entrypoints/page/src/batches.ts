// What was asked to be reprocessed from this browser. The service keeps and goes on with each by itself; here
// only their ids are kept, so that a page that is loaded anew still shows how far they are.
import { signal } from "@preact/signals";
import { getBatch, Refused, reprocessMany, type WhatToReprocess } from "./api";
import type { BatchProgress } from "./wire";

const KEPT_AS = "trunkline.batches";
const AGAIN_MILLISECONDS = 1_000;

export interface Batch {
  id: string;
  what: string;
  total: number;
  progress: BatchProgress | null;
}

export const batches = signal<Batch[]>(kept());
let timer: number | undefined;

export function followBatches(): void {
  if (timer === undefined && batches.value.some(unfinished)) timer = window.setTimeout(() => void look(), 0);
}

export async function begin(what: WhatToReprocess, named: string, perSecond: number): Promise<void> {
  const { batch_id, total } = await reprocessMany(what, perSecond);
  keep([{ id: batch_id, what: named, total, progress: null }, ...batches.value]);
  followBatches();
}

export function dismiss(id: string): void {
  keep(batches.value.filter((batch) => batch.id !== id));
}

const unfinished = (batch: Batch) => !batch.progress?.finished;

async function look(): Promise<void> {
  for (const batch of batches.value.filter(unfinished)) {
    try {
      const progress = await getBatch(batch.id);
      keep(batches.value.map((other) => (other.id === batch.id ? { ...other, progress } : other)));
    } catch (error) {
      if (error instanceof Refused && error.status === 404) dismiss(batch.id);
    }
  }
  timer = undefined;
  if (batches.value.some(unfinished)) timer = window.setTimeout(() => void look(), AGAIN_MILLISECONDS);
}

function keep(all: Batch[]): void {
  batches.value = all;
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(all.map(({ id, what, total }) => ({ id, what, total }))));
  } catch {
    // A browser that keeps nothing shows it until the page is left.
  }
}

function kept(): Batch[] {
  try {
    const all = JSON.parse(localStorage.getItem(KEPT_AS) ?? "[]") as Omit<Batch, "progress">[];
    return all.map((batch) => ({ ...batch, progress: null }));
  } catch {
    return [];
  }
}

import type { Batch, CallDetails, CallList, FailureGroup, Waveform } from "./wire";

/** What the service answered instead, in a sentence that can be shown. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** Whether the same may succeed later. */
  get mayPass(): boolean {
    return this.status === 0 || this.status >= 500;
  }

  static of(error: unknown): Refused {
    return error instanceof Refused ? error : new Refused(0, "The answer was cut off.");
  }
}

async function answerOf(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refused(0, "The service does not answer.");
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await (await answerOf(path, init)).json()) as T;
}

async function refusal(answer: Response): Promise<Refused> {
  const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string };
  return new Refused(answer.status, sentence(problem.detail ?? problem.title ?? `The service answered ${answer.status}`));
}

const sentence = (words: string) => words.charAt(0).toUpperCase() + words.slice(1).replace(/\.?$/, ".");

function query(parameters: Record<string, string | number | null | undefined>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") given.set(name, String(value));
  }
  return given.size ? `?${given}` : "";
}

const callPath = (callId: string) => `/v1/calls/${encodeURIComponent(callId)}`;

export interface Wanted {
  state?: string | null;
  failure_reason?: string;
  search?: string;
  limit: number;
  after?: string | null;
}

export const getCalls = (wanted: Wanted, signal?: AbortSignal) =>
  ask<CallList>(`/v1/calls${query({ ...wanted })}`, signal ? { signal } : {});

export const getCall = (callId: string) => ask<CallDetails>(callPath(callId));

export const getWaveform = (callId: string) => ask<Waveform>(`${callPath(callId)}/waveform?points=1200`);

export const audioPath = (callId: string, stream?: string) => `${callPath(callId)}/audio.wav${query({ stream })}`;

export const detailsPath = callPath;

export async function getAudio(path: string, signal: AbortSignal): Promise<Blob> {
  return await (await answerOf(path, { signal })).blob();
}

/** Why a recording that was to be played could not be had. */
export async function whyNoAudio(path: string): Promise<string> {
  try {
    const answer = await answerOf(path, { headers: { Range: "bytes=0-0" }, cache: "no-store" });
    await answer.body?.cancel();
    return "The connection was cut off. Play goes on from here.";
  } catch (error) {
    return (error as Error).message;
  }
}

export const reprocessCall = (callId: string) =>
  ask<unknown>(`${callPath(callId)}/reprocess`, { method: "POST" });

export const getFailures = () => ask<{ groups: FailureGroup[] }>("/v1/failures");

export type WhatToReprocess = { call_ids: string[] } | { failure_reason: string } | { all_failed: true };

export const reprocessMany = (what: WhatToReprocess, perSecond: number) =>
  ask<{ batch_id: string; total: number }>("/v1/reprocess", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...what, per_second: perSecond }),
  });

export const getBatches = () => ask<{ batches: Batch[] }>("/v1/reprocess");

/** What happens in the daemon, as it happens: one stream for the whole page. */

import { ApiError, get, stream } from "./api";

export interface Happening {
  position: number;
  stream: string;
  type: string;
  version: number;
  data: Record<string, unknown>;
  recorded_at: string;
  venture_id?: string;
  meta: { actor?: Record<string, unknown> };
}

export type Connection = "connecting" | "live" | "lost" | "ended";

const listeners = new Set<(event: Happening) => void>();
const watchers = new Set<(now: Connection) => void>();
let connection: Connection = "connecting";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export function onHappening(listener: (event: Happening) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function onConnection(watcher: (now: Connection) => void): () => void {
  watchers.add(watcher);
  watcher(connection);
  return () => watchers.delete(watcher);
}

function tell(now: Connection) {
  connection = now;
  for (const watcher of watchers) watcher(now);
}

/** The position of the newest event. */
export async function newest(): Promise<number> {
  return (await get("/api/health")).events;
}

/** Follow what happens after a position, for as long as the session lasts; after a break it goes on where it was. */
export async function follow(after: number): Promise<void> {
  let wait = FIRST_WAIT_MS;
  for (;;) {
    try {
      const begun = () => {
        tell("live");
        wait = FIRST_WAIT_MS;
      };
      for await (const piece of stream(`/api/events?after=${after}`, { begun })) {
        const event = JSON.parse(piece.data) as Happening;
        after = event.position;
        for (const listener of listeners) listener(event);
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        tell("ended");
        return;
      }
    }
    tell("lost");
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

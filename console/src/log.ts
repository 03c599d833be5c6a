/** The event log, of which the page has those pieces that are looked at. */

import { useEffect, useReducer, useRef } from "preact/hooks";

import { get } from "./api";
import { type Happening, onHappening } from "./live";

const PIECE = 250;
/** How many pieces are kept, those that were looked at last. */
const MOST_PIECES = 80;

class Log {
  newest = 0;
  isLoaded = false;
  error: Error | null = null;
  /** By number; piece n has the positions n * PIECE + 1 to (n + 1) * PIECE, as many of them as there are. */
  private readonly pieces = new Map<number, Map<number, Happening>>();
  private readonly underWay = new Set<number>();

  constructor(private readonly changed: () => void) {}

  eventAt(position: number): Happening | undefined {
    return this.pieces.get(pieceOf(position))?.get(position);
  }

  /** Positions count all events from 1 without a gap, so that one knows where each is before it is there. */
  async begin() {
    try {
      const health = await get("/api/health");
      this.newest = Math.max(this.newest, health.events);
      this.isLoaded = true;
      this.error = null;
    } catch (wrong) {
      this.error = wrong as Error;
    }
    this.changed();
  }

  add(event: Happening) {
    this.newest = Math.max(this.newest, event.position);
    this.piece(pieceOf(event.position)).set(event.position, event);
    this.changed();
  }

  /** Load what is missing from position *from* to *to*. */
  want(from: number, to: number) {
    const [first, last] = [Math.max(1, from), Math.min(this.newest, to)];
    for (let number = pieceOf(first); number <= pieceOf(last); number++) {
      if (number < 0 || this.underWay.has(number)) continue;
      const there = this.piece(number);
      const end = Math.min(this.newest, (number + 1) * PIECE);
      if (there.size < end - number * PIECE) void this.load(number);
    }
  }

  private async load(number: number) {
    this.underWay.add(number);
    try {
      const page = await get(`/api/events?after=${number * PIECE}&limit=${PIECE}`);
      const piece = this.piece(number);
      for (const event of page.events as Happening[]) piece.set(event.position, event);
      this.error = null;
    } catch (wrong) {
      this.error = wrong as Error;
    } finally {
      this.underWay.delete(number);
      this.changed();
    }
  }

  /** The piece, as the one that was looked at last. */
  private piece(number: number): Map<number, Happening> {
    const piece = this.pieces.get(number) ?? new Map<number, Happening>();
    this.pieces.delete(number);
    this.pieces.set(number, piece);
    for (const oldest of this.pieces.keys()) {
      if (this.pieces.size <= MOST_PIECES) break;
      this.pieces.delete(oldest);
    }
    return piece;
  }
}

function pieceOf(position: number): number {
  return Math.floor((position - 1) / PIECE);
}

export function useLog(): Log {
  const [, draw] = useReducer((times: number) => times + 1, 0);
  const kept = useRef<Log | null>(null);
  const frame = useRef(0);
  kept.current ??= new Log(() => {
    // Many at once are drawn once.
    frame.current ||= requestAnimationFrame(() => {
      frame.current = 0;
      draw(0);
    });
  });
  const log = kept.current;
  useEffect(() => {
    void log.begin();
    const stop = onHappening((event) => log.add(event));
    return () => {
      stop();
      cancelAnimationFrame(frame.current);
    };
  }, [log]);
  return log;
}

/** A train that leaves the yard. */
export interface Departure {
  /** Milliseconds since the epoch. */
  at: number;
  to: string;
  load: string;
  track: number;
}

export type State = "planned" | "loading" | "leaving" | "gone";

const MINUTE_MS = 60_000;
/** A train leaves every so many minutes. */
const EVERY_MIN = 4;

const DESTINATIONS = ["Harbour", "Steelworks", "Mill Lane", "Quarry", "Old Town", "Refinery", "Border"];
const LOADS = ["Containers", "Coil", "Grain", "Ballast", "Parcels", "Tank cars", "Timber"];

/** The trains around `now`: the one that just left, and the next ones. The same for everybody. */
export function departures(now: number, count = 7): Departure[] {
  const every = EVERY_MIN * MINUTE_MS;
  const first = Math.floor(now / every);
  return Array.from({ length: count }, (_, i) => {
    const n = first + i;
    return {
      at: n * every,
      to: DESTINATIONS[n % DESTINATIONS.length]!,
      load: LOADS[(n * 3) % LOADS.length]!,
      track: 1 + ((n * 5) % 8),
    };
  });
}

/** Where a train is in its short life on the board. */
export function stateOf(departure: Departure, now: number): State {
  const left = departure.at - now;
  if (left <= -MINUTE_MS) return "gone";
  if (left <= MINUTE_MS / 2) return "leaving";
  if (left <= 8 * MINUTE_MS) return "loading";
  return "planned";
}

import { departures, stateOf, type Departure } from "./board";

const clock = document.querySelector<HTMLTimeElement>("#clock");
const board = document.querySelector<HTMLTableSectionElement>("#board");

const withSeconds = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const withMinutes = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });

function cell(text: string, name: string): HTMLTableCellElement {
  const td = document.createElement("td");
  td.className = name;
  td.textContent = text;
  return td;
}

function row(departure: Departure, now: number): HTMLTableRowElement {
  const tr = document.createElement("tr");
  const state = stateOf(departure, now);
  tr.dataset.state = state;
  tr.append(
    cell(withMinutes.format(departure.at), "at"),
    cell(departure.to, "to"),
    cell(departure.load, "load"),
    cell(String(departure.track), "track"),
    cell(state, "state"),
  );
  return tr;
}

/** Draws the board, and comes back at the next full second. */
function draw(): void {
  const now = Date.now();
  if (clock) {
    clock.textContent = withSeconds.format(now);
    clock.dateTime = new Date(now).toISOString();
  }
  board?.replaceChildren(...departures(now).map((departure) => row(departure, now)));
  setTimeout(draw, 1000 - (now % 1000));
}

draw();

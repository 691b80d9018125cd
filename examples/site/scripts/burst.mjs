// A burst: numbered lines as fast as they can be written, 200,000 when no number is given.

const lines = Number(process.argv[2] ?? 200_000);

if (!Number.isSafeInteger(lines) || lines < 1) {
  console.error(`${process.argv[2]} is no number of lines`);
  process.exit(2);
}

const AT_ONCE = 500;
const width = String(lines).length;

/** Waits whenever the reader is slower: otherwise everything would pile up in memory. */
const write = (text) =>
  process.stdout.write(text) ? undefined : new Promise((go) => process.stdout.once("drain", go));

for (let first = 1; first <= lines; first += AT_ONCE) {
  const count = Math.min(AT_ONCE, lines - first + 1);
  const block = Array.from({ length: count }, (_, i) => `burst line ${String(first + i).padStart(width, "0")} of ${lines}\n`);
  await write(block.join(""));
}

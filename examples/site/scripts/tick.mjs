// A log that ticks: one line every half a second in colour, and now and then a warning on stderr.
// With a number as argument it ends after so many lines.

const [green, yellow, red, cyan, dim, reset] = [32, 33, 31, 36, 2, 0].map((code) => `\x1b[${code}m`);
const works = ["coupled", "weighed", "inspected", "shunted", "loaded", "sealed"];
const last = Number(process.argv[2] ?? Infinity);

if (Number.isNaN(last)) {
  console.error(`${process.argv[2]} is no number of lines`);
  process.exit(2);
}

let n = 0;
const timer = setInterval(() => {
  n += 1;
  const wagon = `wagon ${String((n * 37) % 1000).padStart(3, "0")}`;
  if (n % 20 === 0) {
    console.error(`${red}hot axle${reset} on ${wagon}, taken out of the train`);
  } else if (n % 7 === 0) {
    console.error(`${yellow}slow${reset} ${wagon} is waiting for a free track`);
  } else {
    console.log(`${dim}#${n}${reset} ${green}${works[n % works.length]}${reset} ${cyan}${wagon}${reset}`);
  }
  if (n >= last) clearInterval(timer);
}, 500);

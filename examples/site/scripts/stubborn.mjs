// A process that does not want to end: it answers SIGTERM and SIGINT with words, and goes on. Only
// SIGKILL ends it, which Runyard sends when the grace is over.

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => console.error(`\x1b[33m${signal}?\x1b[0m no, there is a train to finish`));
}

let wagons = 0;
console.log(`still here with pid ${process.pid}`);
setInterval(() => console.log(`still here, ${(wagons += 1)} wagons later`), 1000);

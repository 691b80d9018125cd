// A script that fails as scripts do: some progress, an error with its stack, exit code 3.

function openGate(track) {
  throw new Error(`gate of track ${track} does not answer`);
}

console.log("checking the gates of tracks 1 to 4");
for (const track of [1, 2, 3]) console.log(`gate of track ${track} is closed`);

try {
  openGate(4);
} catch (error) {
  console.error(`\x1b[31m${error.stack}\x1b[0m`);
  process.exitCode = 3;
}

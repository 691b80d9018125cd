// Takes one job after the other, and rests while there is none.

import { setTimeout as rest } from 'node:timers/promises';

const API = process.env.API;
let isEnding = false;
process.on('SIGTERM', () => (isEnding = true));

async function post(path) {
  const response = await fetch(`${API}${path}`, { method: 'POST' });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
  return response.json();
}

console.log('waiting for jobs');
while (!isEnding) {
  const job = await post('/jobs/take');
  if (job === null) {
    await rest(500);
    continue;
  }
  console.log(`job ${job.id}: ${job.text}`);
  await rest(300);
  await post(`/jobs/${job.id}/done`);
}
console.log('ended between two jobs');

// Makes the table of the jobs.

import { openStore } from './store.mjs';

const store = await openStore();
await store.migrate();
await store.close();
console.log('the store is ready for jobs');

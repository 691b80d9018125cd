// Jobs over HTTP: `GET /jobs`, `POST /jobs` with a text, and for the worker `POST /jobs/take` and
// `POST /jobs/:id/done`.

import { createServer } from 'node:http';

import { openStore } from './store.mjs';

const store = await openStore();

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 10_000) {
      throw new Error('the text is longer than 10,000 characters');
    }
  }
  return text;
}

async function answer(request) {
  const done = /^\/jobs\/(\d+)\/done$/.exec(request.url);
  switch (`${request.method} ${request.url}`) {
    case 'GET /health':
      await store.list();
      return { ok: true };
    case 'GET /jobs':
      return store.list();
    case 'POST /jobs':
      return store.add(await bodyOf(request));
    case 'POST /jobs/take':
      return (await store.take()) ?? null;
    default:
      if (request.method === 'POST' && done !== null) {
        await store.finish(done[1]);
        return { ok: true };
      }
      return undefined;
  }
}

const server = createServer(async (request, response) => {
  try {
    const value = await answer(request);
    response.writeHead(value === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value ?? null));
  } catch (error) {
    response.writeHead(503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: error.message }));
  }
});

server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`listening on ${process.env.PORT}`));
process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => store.close().then(() => process.exit(0)));
});

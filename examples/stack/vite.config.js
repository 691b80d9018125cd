import { defineConfig } from 'vite';

// The page asks the API through the page's own server.
export default defineConfig({ server: { proxy: { '/jobs': process.env.API ?? 'http://127.0.0.1:4001' } } });

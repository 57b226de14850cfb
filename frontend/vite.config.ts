import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const backend = process.env.WEIR_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "~": here("src") } },
  build: {
    manifest: true,
    // Nothing may end up as a data: URL; the content security policy forbids it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: [here("index.html"), here("graphiql.html")] },
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: {
      "/graphql": { target: backend, ws: true },
      "/auth": { target: backend },
      "/api": { target: backend },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test-setup.ts"],
    restoreMocks: true,
  },
});

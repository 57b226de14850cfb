import { defineConfig } from "@playwright/test";

const needed = (name: string, what: string) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: ${what}. "make test" sets all that is needed.`);
  return value;
};

/** Where the session is kept between the files of one run. */
export const sessionFile = "e2e/results/session.json";

needed("WEIR_SIGN_IN_LINK", "a fresh link, from: weir sign-in-link");
needed("WEIR_GATEWAY_URL", "where Envoy listens, such as http://127.0.0.1:10000");

export default defineConfig({
  testDir: "e2e",
  outputDir: "e2e/results/output",
  // The tests share one stack, and change its tiers: one after the other.
  workers: 1,
  forbidOnly: true,
  // A headless Chromium now and then never answers when much is asked of it at once.
  // What passed the second time only is listed as flaky.
  retries: 1,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  use: {
    baseURL: needed("WEIR_URL", "the dashboard, such as http://127.0.0.1:8080"),
    locale: "en-US",
    timezoneId: "UTC",
    viewport: { width: 1440, height: 900 },
    actionTimeout: 30_000,
    screenshot: "only-on-failure",
    trace: "off", // a trace would hold the session's cookie
    launchOptions: {
      executablePath: needed("CHROMIUM", "a Chromium's binary; make tools installs one"),
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
    },
  },
  projects: [
    { name: "sign-in", testMatch: "sign-in.spec.ts" },
    {
      name: "dashboard",
      testIgnore: "sign-in.spec.ts",
      dependencies: ["sign-in"],
      use: { storageState: sessionFile },
    },
  ],
});

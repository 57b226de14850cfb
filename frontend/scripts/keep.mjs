// Vite empties dist; the placeholder that lets `go build` embed it comes back.
import { writeFileSync } from "node:fs";

writeFileSync(new URL("../dist/.gitkeep", import.meta.url), "");

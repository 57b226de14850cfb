// Compares ../graph/schema with the schema that clients were last promised,
// ../graph/testdata/schema-baseline.graphql, and fails on what would break a client.
// `--accept` makes the present schema the promise.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  buildSchema,
  findBreakingChanges,
  findDangerousChanges,
  lexicographicSortSchema,
  printSchema,
} from "graphql";

const schemaDir = new URL("../../graph/schema/", import.meta.url);
const baseline = new URL(
  process.env.WEIR_SCHEMA_BASELINE ?? "../../graph/testdata/schema-baseline.graphql",
  import.meta.url,
);

const files = readdirSync(schemaDir)
  .filter((name) => name.endsWith(".graphqls"))
  .sort();
const schema = lexicographicSortSchema(
  buildSchema(files.map((name) => readFileSync(new URL(name, schemaDir), "utf8")).join("\n")),
);

if (process.argv.includes("--accept")) {
  writeFileSync(baseline, `${printSchema(schema)}\n`);
  console.log("graph/testdata/schema-baseline.graphql: the schema as it is now");
} else if (!existsSync(baseline)) {
  console.error("weir: there is no schema to compare with; run make accept-schema");
  process.exit(1);
} else {
  const promised = buildSchema(readFileSync(baseline, "utf8"));
  const breaking = findBreakingChanges(promised, schema);
  for (const change of findDangerousChanges(promised, schema))
    console.log(`may surprise clients: ${change.description}`);
  for (const change of breaking) console.error(`breaks clients: ${change.description}`);
  if (breaking.length > 0) {
    console.error("weir: keep the schema compatible, or run make accept-schema and say why");
    process.exit(1);
  }
  console.log("the schema breaks no client");
}

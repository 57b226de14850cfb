// Writes src/api/graphql-env.d.ts, the types that gql.tada infers from, out of
// ../graph/schema. The same schema always gives the same file.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { minifyIntrospection, outputIntrospectionFile } from "@gql.tada/internal";
import { buildSchema, introspectionFromSchema, lexicographicSortSchema } from "graphql";

const schemaDir = new URL("../../graph/schema/", import.meta.url);
const target = fileURLToPath(new URL("../src/api/graphql-env.d.ts", import.meta.url));

const files = readdirSync(schemaDir)
  .filter((name) => name.endsWith(".graphqls"))
  .sort();
const sdl = files.map((name) => readFileSync(new URL(name, schemaDir), "utf8")).join("\n");
const introspection = introspectionFromSchema(lexicographicSortSchema(buildSchema(sdl)), {
  descriptions: false,
});
const text = outputIntrospectionFile(minifyIntrospection(introspection), {
  fileType: target,
  shouldPreprocess: true,
});
writeFileSync(target, text);
console.log(`src/api/graphql-env.d.ts: written from ${files.length} schema files`);

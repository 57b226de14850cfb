import { CombinedError } from "@urql/core";
import { describe, expect, it } from "vitest";
import { explain, faultsOf, isUnauthenticated } from "./errors";

const failure = (code: string, field?: string, message = "No.") =>
  new CombinedError({ graphQLErrors: [{ message, extensions: { code, field } }] });
const shown = (field: string) => ["name", "limits", "limits.0.amount"].includes(field);

describe("faultsOf", () => {
  it("puts a message beside the field it names", () => {
    expect(faultsOf(failure("VALIDATION", "limits.0.amount"), shown).fields).toEqual({
      "limits.0.amount": "No.",
    });
  });
  it("reads a path that begins with the input's name", () => {
    expect(faultsOf(failure("VALIDATION", "input.name"), shown).fields).toEqual({ name: "No." });
  });
  it("climbs to the closest field that the form shows", () => {
    expect(faultsOf(failure("VALIDATION", "limits.3.scope"), shown).fields).toEqual({
      limits: "No.",
    });
  });
  it("keeps a message whose field is nowhere to be seen", () => {
    expect(faultsOf(failure("VALIDATION", "colour"), shown)).toMatchObject({
      fields: {},
      general: ["No."],
    });
  });
  it("tells a conflict from other failures", () => {
    expect(faultsOf(failure("CONFLICT"), shown).conflict).toBe(true);
    expect(faultsOf(failure("INTERNAL"), shown).conflict).toBe(false);
  });
  it("tells a stale edit from other conflicts, with what is known of it", () => {
    const changed = [{ path: "name", before: "Basic", after: "Basic plus" }];
    const extensions = { code: "CONFLICT", field: "revision", revision: 4, changed };
    const told = { ...extensions, changedBy: "Ada", changedAt: "2026-03-01T12:00:00Z" };
    const stale = (e: Record<string, unknown>) =>
      faultsOf(new CombinedError({ graphQLErrors: [{ message: "No.", extensions: e }] }), shown)
        .stale;
    expect(stale(told)).toEqual({
      revision: 4,
      changed,
      by: "Ada",
      at: "2026-03-01T12:00:00Z",
      said: "No.",
    });
    expect(stale({ code: "CONFLICT", field: "revision" })).toEqual({
      revision: null,
      changed: [],
      by: null,
      at: null,
      said: "No.",
    });
    expect(stale({ code: "CONFLICT", field: "id" })).toBeNull();
    expect(stale({ code: "VALIDATION", field: "revision" })).toBeNull();
  });
  it("says so when the control plane is away", () => {
    const error = new CombinedError({ networkError: new Error("Failed to fetch") });
    expect(faultsOf(error, shown).general).toEqual(["The control plane can't be reached."]);
  });
});

describe("isUnauthenticated", () => {
  it("goes by the status or by the code", () => {
    const response = new Response(null, { status: 401 });
    expect(isUnauthenticated(new CombinedError({ networkError: new Error("x"), response }))).toBe(
      true,
    );
    expect(isUnauthenticated(failure("UNAUTHENTICATED"))).toBe(true);
    expect(isUnauthenticated(failure("VALIDATION"))).toBe(false);
  });
});

it("explains with the server's words, without the library's prefix", () => {
  expect(explain(failure("INTERNAL", undefined, "Too much at once."))).toBe("Too much at once.");
});

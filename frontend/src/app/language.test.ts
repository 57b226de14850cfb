import { describe, expect, it } from "vitest";
import { mendLanguage } from "./language";

describe("mendLanguage", () => {
  const mended = (language: string) => {
    const browser = { language };
    mendLanguage(browser);
    return browser.language;
  };
  it("keeps a language that numbers can be formatted in", () => {
    expect(mended("de-CH")).toBe("de-CH");
  });
  it("replaces one that is no language tag", () => {
    expect(mended("en-US@posix")).toBe("en-US");
  });
});

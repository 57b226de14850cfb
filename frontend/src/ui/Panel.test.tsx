import { render } from "@testing-library/react";
import { expect, it } from "vitest";
import { PageHead } from "./Panel";

it("names the window after the page, and after what that is part of", () => {
  const { rerender } = render(<PageHead title="Accounts" />);
  expect(document.title).toBe("Accounts · Weir");
  rerender(<PageHead title={<b>Acme</b>} within={["Accounts"]} />);
  expect(document.title).toBe("Accounts · Weir");
  rerender(<PageHead title={<b>Acme</b>} name="Acme" within={["Accounts"]} />);
  expect(document.title).toBe("Acme · Accounts · Weir");
});

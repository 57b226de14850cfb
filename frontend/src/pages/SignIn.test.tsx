import { render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { destination, SignIn } from "./SignIn";

const answer = vi.fn<typeof fetch>();
beforeEach(() => vi.stubGlobal("fetch", answer));
afterEach(() => {
  vi.unstubAllGlobals();
  answer.mockReset();
});

describe("sign-in", () => {
  it("asks for a password when there is no token, and says how to get a link", () => {
    history.replaceState(null, "", "/sign-in");
    render(<SignIn onSignedIn={() => {}} />);
    expect(screen.getByRole("heading", { name: "Sign in" })).toBeTruthy();
    expect(screen.getByLabelText("Password")).toBeTruthy();
    expect(screen.getByText("weir sign-in-link")).toBeTruthy();
    expect(answer).not.toHaveBeenCalled();
  });

  it("sends the token once, takes it out of the address, and says why it was refused", async () => {
    answer.mockResolvedValue(
      Response.json({ title: "Link used", detail: "It works once." }, { status: 401 }),
    );
    history.replaceState(null, "", "/sign-in#token=s3cret");
    render(<SignIn onSignedIn={() => {}} />);
    expect(await screen.findByRole("heading", { name: "Link used" })).toBeTruthy();
    expect(screen.getByText("It works once.")).toBeTruthy();
    expect(location.hash).toBe("");
    expect(answer).toHaveBeenCalledTimes(1);
    expect(answer.mock.calls[0]?.[1]?.body).toBe('{"token":"s3cret"}');
  });
});

describe("where to go after signing in", () => {
  it("stays within the dashboard, whatever the address says", () => {
    expect(destination("/tiers/t1?range=6h")).toBe("/tiers/t1?range=6h");
    expect(destination("https://elsewhere.example/x")).toBe("/");
    expect(destination("//elsewhere.example/x")).toBe("/");
    expect(destination("/sign-in?next=/")).toBe("/");
    expect(destination(null)).toBe("/");
  });
});

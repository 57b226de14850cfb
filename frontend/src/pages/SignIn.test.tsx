import { render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { destination, SignIn } from "./SignIn";

const answer = vi.fn<typeof fetch>();
const methods = { password: true, openid: null, refusal: null };
beforeEach(() =>
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) =>
    path.startsWith("/auth/methods")
      ? Promise.resolve(Response.json({ ...methods, ...said }))
      : answer(path, init),
  ),
);
let said = {};
afterEach(() => {
  vi.unstubAllGlobals();
  answer.mockReset();
  said = {};
});

describe("sign-in", () => {
  it("asks for a password when there is no token, and says how to get a link", () => {
    history.replaceState(null, "", "/sign-in");
    render(<SignIn onSignedIn={() => {}} />);
    expect(screen.getByRole("heading", { name: "Sign in" })).toBeTruthy();
    expect(screen.getByLabelText("Password")).toBeTruthy();
    expect(screen.getByText("weir sign-in-link")).toBeTruthy();
    expect(answer).not.toHaveBeenCalled();
    expect(screen.queryByText(/session was ended/)).toBeNull();
  });

  it("says that a session was ended to whoever had one", () => {
    history.replaceState(null, "", "/sign-in?next=%2Fusage&ended=true");
    render(<SignIn onSignedIn={() => {}} />);
    expect(screen.getByText("Your session was ended; sign in again")).toBeTruthy();
    expect(document.title).toBe("Sign in · Weir");
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

describe("sign-in with a provider", () => {
  it("leads there and back to the page, tells of a refusal, and leaves passwords out that are off", async () => {
    said = {
      password: false,
      openid: { label: "Example Inc.", available: false },
      refusal: { title: "You are not a member", detail: "Ask an admin." },
    };
    history.replaceState(null, "", "/sign-in?refused=invited&next=%2Ftiers%3Frange%3D6h");
    render(<SignIn onSignedIn={() => {}} />);
    const link = await screen.findByRole("link", { name: "Sign in with Example Inc." });
    expect(link.getAttribute("href")).toBe("/auth/oidc/start?next=%2Ftiers%3Frange%3D6h");
    expect(screen.getByRole("heading", { name: "You are not a member" })).toBeTruthy();
    expect(screen.getByText(/does not answer at the moment/)).toBeTruthy();
    expect(screen.queryByLabelText("Password")).toBeNull();
    expect(screen.getByText("weir sign-in-link")).toBeTruthy();
  });

  it("asks for the second step that follows", () => {
    history.replaceState(null, "", "/sign-in?step=code&next=%2F");
    render(<SignIn onSignedIn={() => {}} />);
    expect(screen.getByLabelText("Code")).toBeTruthy();
  });
});

describe("where to go after signing in", () => {
  it("stays within the dashboard, whatever the address says", () => {
    expect(destination("/tiers/t1?range=6h")).toBe("/tiers/t1?range=6h");
    expect(destination("https://elsewhere.example/x")).toBe("/");
    expect(destination("//elsewhere.example/x")).toBe("/");
    expect(destination("/sign-in?next=/")).toBe("/");
    expect(destination("http://[")).toBe("/");
    expect(destination(null)).toBe("/");
  });
});

import { expect, it } from "vitest";
import { currentSession, refuseSession, setSession } from "./session";

it("tells a session that was ended from one that never was, and from one that was left", () => {
  refuseSession();
  expect(currentSession()).toBe("signed-out");
  setSession("signed-in");
  refuseSession();
  expect(currentSession()).toBe("ended");
  refuseSession();
  expect(currentSession()).toBe("ended");
  setSession("signed-in");
  setSession("leaving");
  refuseSession();
  expect(currentSession()).toBe("signed-out");
});

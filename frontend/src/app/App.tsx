import { lazy, Suspense, useMemo, useState } from "react";
import { Provider } from "urql";
import { Route, Switch } from "wouter";
import { createAPI } from "~/api/client";
import { LiveFeed, LiveFeedProvider } from "~/api/live";
import { SignIn } from "~/pages/SignIn";
import { ToastProvider } from "~/ui/Toast";
import { Frame } from "./Frame";
import { LeavingGuard } from "./leaving";
import { paths } from "./paths";

const Join = lazy(() => import("~/pages/Join"));

export function App() {
  // Every session gets a client and a feed of its own: nothing cached for one
  // person is ever shown to the next.
  const [generation, setGeneration] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  const api = useMemo(createAPI, [generation]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  const feed = useMemo(() => new LiveFeed(), [generation]);
  return (
    <Provider value={api}>
      <LiveFeedProvider value={feed}>
        <ToastProvider>
          <LeavingGuard>
            <Switch>
              <Route path={paths.signIn}>
                <SignIn onSignedIn={() => setGeneration(generation + 1)} />
              </Route>
              <Route path={paths.join}>
                <Suspense>
                  <Join onSignedIn={() => setGeneration(generation + 1)} />
                </Suspense>
              </Route>
              <Route>
                <Frame />
              </Route>
            </Switch>
          </LeavingGuard>
        </ToastProvider>
      </LiveFeedProvider>
    </Provider>
  );
}

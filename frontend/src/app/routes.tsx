import { lazy } from "react";
import { Route, Switch } from "wouter";
import { NotFound } from "~/pages/NotFound";
import { paths } from "./paths";

const Overview = lazy(() => import("~/pages/Overview"));
const Accounts = lazy(() => import("~/pages/Accounts"));
const Account = lazy(() => import("~/pages/Account"));
const Tiers = lazy(() => import("~/pages/Tiers"));
const TierEdit = lazy(() => import("~/pages/TierEdit"));
const Endpoints = lazy(() => import("~/pages/Endpoints"));
const Usage = lazy(() => import("~/pages/Usage"));
const Reconciliation = lazy(() => import("~/pages/Reconciliation"));
const LimitPage = lazy(() => import("~/pages/LimitPage"));
const Denials = lazy(() => import("~/pages/Denials"));
const Audit = lazy(() => import("~/pages/Audit"));
const Settings = lazy(() => import("~/pages/Settings"));

/** The site map. */
export function Routes() {
  return (
    <Switch>
      <Route path={paths.overview} component={Overview} />
      <Route path={paths.accounts} component={Accounts} />
      <Route path="/accounts/:id">{({ id }) => <Account key={id} id={id} />}</Route>
      <Route path={paths.tiers} component={Tiers} />
      <Route path={paths.newTier}>
        <TierEdit key="new" id={null} />
      </Route>
      <Route path="/tiers/:id">{({ id }) => <TierEdit key={id} id={id} />}</Route>
      <Route path="/limits/:id">{({ id }) => <LimitPage key={id} id={id} />}</Route>
      <Route path={paths.endpoints} component={Endpoints} />
      <Route path={paths.usage} component={Usage} />
      <Route path={paths.reconciliation} component={Reconciliation} />
      <Route path={paths.denials} component={Denials} />
      <Route path={paths.audit} component={Audit} />
      <Route path={paths.settings} component={Settings} />
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

import { lazy } from "react";
import { Redirect, Route, Switch } from "wouter";
import { useViewer } from "~/api/viewer";
import { NotFound } from "~/pages/NotFound";
import { paths } from "./paths";

const Overview = lazy(() => import("~/pages/Overview"));
const Accounts = lazy(() => import("~/pages/Accounts"));
const Account = lazy(() => import("~/pages/Account"));
const Tiers = lazy(() => import("~/pages/Tiers"));
const TierEdit = lazy(() => import("~/pages/TierEdit"));
const TierVersions = lazy(() => import("~/pages/TierVersions"));
const TierVersionPreview = lazy(() => import("~/pages/TierVersionPreview"));
const Endpoints = lazy(() => import("~/pages/Endpoints"));
const Usage = lazy(() => import("~/pages/Usage"));
const Reconciliation = lazy(() => import("~/pages/Reconciliation"));
const LimitPage = lazy(() => import("~/pages/LimitPage"));
const Denials = lazy(() => import("~/pages/Denials"));
const Members = lazy(() => import("~/pages/Members"));
const Tokens = lazy(() => import("~/pages/Tokens"));
const Profile = lazy(() => import("~/pages/Profile"));
const Audit = lazy(() => import("~/pages/Audit"));
const Rollout = lazy(() => import("~/pages/Rollout"));
const Scheduled = lazy(() => import("~/pages/Scheduled"));
const Settings = lazy(() => import("~/pages/Settings"));

/** The overview, or for those who see one account only, that. */
function Home() {
  const { viewer } = useViewer();
  const own = viewer?.account;
  return own ? <Redirect to={paths.account(own.id)} replace /> : <Overview />;
}

/** The site map. */
export function Routes() {
  return (
    <Switch>
      <Route path={paths.overview}>
        <Home />
      </Route>
      <Route path={paths.accounts} component={Accounts} />
      <Route path="/accounts/:id">{({ id }) => <Account key={id} id={id} />}</Route>
      <Route path={paths.tiers} component={Tiers} />
      <Route path={paths.newTier}>
        <TierEdit key="new" id={null} />
      </Route>
      <Route path="/tiers/:id">{({ id }) => <TierEdit key={id} id={id} />}</Route>
      <Route path="/tiers/:id/versions">{({ id }) => <TierVersions key={id} id={id} />}</Route>
      <Route path="/tiers/:id/versions/:version/preview">
        {({ id, version }) => <TierVersionPreview key={version} id={id} version={version} />}
      </Route>
      <Route path="/limits/:id">{({ id }) => <LimitPage key={id} id={id} />}</Route>
      <Route path={paths.endpoints} component={Endpoints} />
      <Route path={paths.usage} component={Usage} />
      <Route path={paths.reconciliation} component={Reconciliation} />
      <Route path={paths.denials} component={Denials} />
      <Route path={paths.scheduled} component={Scheduled} />
      <Route path={paths.audit} component={Audit} />
      <Route path={paths.settings} component={Settings} />
      <Route path={paths.rollout} component={Rollout} />
      <Route path={paths.members} component={Members} />
      <Route path={paths.tokens} component={Tokens} />
      <Route path={paths.profile} component={Profile} />
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

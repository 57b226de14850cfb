import { useViewer } from "~/api/viewer";
import { AppLink } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { Button } from "~/ui/Button";
import { Copyable } from "~/ui/Copyable";
import { PageHead, Panel } from "~/ui/Panel";
import { Skeleton } from "~/ui/states";
import { setTheme, type Theme, useTheme } from "~/ui/theme";
import { DefaultTiers } from "./settings-defaults";
import { Meters } from "./settings-meters";
import { SettingsNav } from "./settings-nav";
import { RetentionSettings } from "./settings-retention";

export default function Settings() {
  const { viewer } = useViewer();
  return (
    <>
      <PageHead title="Settings" />
      <SettingsNav />
      <Permitted unbound>
        <Meters />
        <RetentionSettings />
      </Permitted>
      <div className="grid gap-4 lg:grid-cols-2 lg:items-start">
        <Permitted unbound>
          <DefaultTiers />
        </Permitted>
        <div className="flex min-w-0 flex-col gap-4">
          <Panel title="You">
            <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-2 px-4 pb-4">
              <dt className="text-muted">Name</dt>
              <dd>{viewer?.name ?? <Skeleton />}</dd>
              <dt className="text-muted">Sign-in</dt>
              <dd>
                {viewer?.kind === "TOKEN" ? (
                  "with an API token"
                ) : (
                  <AppLink to={paths.profile}>Password, second step and sessions</AppLink>
                )}
              </dd>
              <dt className="self-center text-muted">Theme</dt>
              <dd>
                <ThemeChoice />
              </dd>
            </dl>
          </Panel>
          <Panel title="For scripts">
            <div className="flex flex-col items-start gap-2 px-4 pb-4 text-muted">
              <p>Everything here is GraphQL. Scripts send the API token as a bearer token to</p>
              <Copyable text={`${location.origin}/graphql`} />
              <p>
                <a href={paths.graphiql} className="font-medium text-accent hover:underline">
                  Open GraphiQL
                </a>{" "}
                to try queries and read the schema.
              </p>
            </div>
          </Panel>
        </div>
      </div>
    </>
  );
}

const themeLabels: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };

function ThemeChoice() {
  const theme = useTheme();
  return (
    <div className="flex flex-wrap gap-1.5">
      {(Object.keys(themeLabels) as Theme[]).map((value) => (
        <Button
          key={value}
          aria-pressed={theme === value}
          kind={theme === value ? "primary" : "plain"}
          onClick={() => setTheme(value)}
        >
          {themeLabels[value]}
        </Button>
      ))}
    </div>
  );
}

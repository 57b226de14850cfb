import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { EmptyState } from "~/ui/states";

export function NotFound({ what = "page" }: { what?: string }) {
  return (
    <EmptyState
      title={`There is no such ${what}`}
      action={<AppLink to={paths.overview}>Go to the overview</AppLink>}
    >
      It may have been deleted, or the address may have a typo.
    </EmptyState>
  );
}

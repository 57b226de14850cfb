import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { useTitle } from "~/ui/title";

export function NotFound({ what = "page" }: { what?: string }) {
  useTitle([`No such ${what}`]);
  return (
    <div className="flex flex-col items-center gap-1 px-4 py-16 text-center">
      <h1 className="text-title font-semibold">There is no such {what}</h1>
      <p className="max-w-md text-muted">
        It may have been deleted, or the address may have a typo.
      </p>
      <AppLink to={paths.overview} className="mt-3 font-medium text-accent hover:underline">
        Go to the overview
      </AppLink>
    </div>
  );
}

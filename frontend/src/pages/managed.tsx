import { FileCode2 } from "lucide-react";
import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import { Notice } from "~/ui/states";

const ManagedQuery = graphql(`
  query ManagedObjects {
    managedObjects {
      id
      manager
    }
  }
`);

/** Who keeps an object in files, as `weir apply` does; null when nobody does. */
export function useManager(id: string): string | null {
  const [{ data }] = useQuery({ query: ManagedQuery });
  return data?.managedObjects.find((o) => o.id === id)?.manager ?? null;
}

/** Warns before an edit that the next `weir apply` would undo. */
export function ManagedNotice({ id, what }: { id: string; what: string }) {
  const manager = useManager(id);
  if (manager === null) return null;
  return (
    <Notice kind="warning">
      <FileCode2 aria-hidden className="size-4 shrink-0 text-soft" />
      <p className="min-w-0 grow">
        <span className="font-medium">
          {what} is kept in files by “{manager}”.
        </span>{" "}
        <span className="text-muted">
          The next <code className="font-mono text-small">weir apply</code> overwrites what is
          changed here; change the files instead.
        </span>
      </p>
    </Notice>
  );
}

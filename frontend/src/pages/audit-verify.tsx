import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useClient } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { Button } from "~/ui/Button";
import { Copyable } from "~/ui/Copyable";
import { Dialog } from "~/ui/Dialog";
import { plural } from "~/ui/format";
import { Notice } from "~/ui/states";

const VerifyQuery = graphql(`
  query VerifyAudit($from: Int64!, $anchors: [String!]!) {
    auditVerify(from: $from, anchors: $anchors) {
      complete
      checked
      last {
        seq
        anchor
      }
      head {
        seq
        anchor
      }
      break {
        seq
        reason
      }
    }
  }
`);

type Found =
  | { state: "running"; checked: number }
  | { state: "whole"; checked: number; head: string }
  | { state: "broken"; checked: number; seq: number; reason: string }
  | { state: "failed"; message: string };

/** Checks the whole log, part by part, and says what it found. */
export function VerifyButton() {
  const client = useClient();
  const [found, setFound] = useState<Found | null>(null);
  const verify = async () => {
    let checked = 0;
    let from = 1;
    let anchors: string[] = [];
    setFound({ state: "running", checked });
    for (;;) {
      const { data, error } = await client
        .query(VerifyQuery, { from, anchors }, { requestPolicy: "network-only" })
        .toPromise();
      if (!data) {
        setFound({ state: "failed", message: error ? explain(error) : "" });
        return;
      }
      const report = data.auditVerify;
      checked += report.checked;
      if (report.break) {
        setFound({ state: "broken", checked, ...report.break });
        return;
      }
      if (report.complete) {
        setFound({ state: "whole", checked, head: report.head.anchor });
        return;
      }
      setFound({ state: "running", checked });
      from = report.last.seq + 1;
      anchors = [report.last.anchor];
    }
  };
  return (
    <>
      <Button
        busy={found?.state === "running"}
        icon={<ShieldCheck aria-hidden className="size-4" />}
        onClick={verify}
      >
        Verify
      </Button>
      {found && found.state !== "running" && (
        <Dialog title="Verification" onClose={() => setFound(null)}>
          <Verdict found={found} />
        </Dialog>
      )}
    </>
  );
}

function Verdict({ found }: { found: Exclude<Found, { state: "running" }> }) {
  switch (found.state) {
    case "failed":
      return <Notice kind="error">The log could not be verified. {found.message}</Notice>;
    case "broken":
      return (
        <Notice kind="error">
          The log is broken at record {found.seq}: {found.reason}. {plural(found.checked, "record")}{" "}
          before that {found.checked === 1 ? "is" : "are"} whole.
        </Notice>
      );
    case "whole":
      return (
        <div className="flex flex-col gap-3">
          <Notice kind="good">{plural(found.checked, "record")}, and the chain is whole.</Notice>
          <p className="text-muted">
            Keep its end elsewhere: given to a later verification as an anchor, it shows whether
            records were cut off.
          </p>
          <Copyable text={found.head} label="Copy the anchor" autofocus />
        </div>
      );
  }
}

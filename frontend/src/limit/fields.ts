import { graphql, type ResultOf } from "~/api/gql";

/** Everything about a limit, for whoever describes or edits it. */
export const LimitFields = graphql(`
  fragment LimitFields on Limit @_unmask {
    id
    name
    subject
    selector
    endpoint {
      id
      method
      template
    }
    group {
      id
      name
    }
    measure
    kind
    amount
    period
    burst
    mode
    gracePercent
    graceSeconds
    failMode
    refundErrors
    adaptive {
      errorPercent
      slowMs
      slowPercent
      floorPercent
    }
  }
`);

export type Limit = ResultOf<typeof LimitFields>;
export type Subject = Limit["subject"];
export type Selector = Limit["selector"];
export type Measure = Limit["measure"];
export type Kind = Limit["kind"];
export type Mode = Limit["mode"];
export type FailMode = Limit["failMode"];
export type Period = Limit["period"];
export type Adaptive = NonNullable<Limit["adaptive"]>;

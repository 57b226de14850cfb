import {
  Client,
  CombinedError,
  cacheExchange,
  fetchExchange,
  mapExchange,
  stringifyDocument,
  type TypedDocumentNode,
} from "@urql/core";
import { createClient as createSocket } from "graphql-ws";
import { isUnauthenticated } from "./errors";
import { refuseSession, setSession } from "./session";

/** Close codes with which the server says that the session is over. */
const unauthorizedCloseCodes = new Set([4401, 4403]);
const longestRetryMS = 10_000;
const pingEveryMS = 10_000;
/** Without an answer to a ping for so long, the connection is dead, whatever TCP thinks. */
const pongWithinMS = 5_000;

export type Connection = "connecting" | "connected" | "disconnected";
type ConnectionListener = (connection: Connection) => void;

const connectionListeners = new Set<ConnectionListener>();
const announce = (connection: Connection) => {
  for (const listen of connectionListeners) listen(connection);
};

/** Tells `listen` of every change of the live connection; returns how to stop. */
export function onConnection(listen: ConnectionListener): () => void {
  connectionListeners.add(listen);
  return () => connectionListeners.delete(listen);
}

const socketURL = () =>
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`;

let pongDue: ReturnType<typeof setTimeout> | undefined;

const socket = createSocket({
  url: socketURL,
  keepAlive: pingEveryMS,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: (retries) => {
    const waitMS = Math.min(longestRetryMS, 500 * 2 ** retries) * (0.75 + Math.random() / 2);
    return new Promise((resolve) => setTimeout(resolve, waitMS));
  },
  on: {
    connecting: () => announce("connecting"),
    connected: () => announce("connected"),
    ping: (received) => {
      if (!received) pongDue = setTimeout(() => socket.terminate(), pongWithinMS);
    },
    pong: (received) => {
      if (received) clearTimeout(pongDue);
    },
    closed: (event) => {
      clearTimeout(pongDue);
      announce("disconnected");
      const code = (event as { code?: number }).code;
      if (code !== undefined && unauthorizedCloseCodes.has(code)) refuseSession();
    },
  },
});

/** A subscription that has ended for a reason that retrying at once would not change. */
const resubscribeAfterMS = 5_000;

type GraphQLErrors = NonNullable<ConstructorParameters<typeof CombinedError>[0]["graphQLErrors"]>;

export type Tuned<T> = {
  next: (data: T) => void;
  /** Why the server refused or ended it, for now; null once it goes on. */
  refused?: (reason: CombinedError | null) => void;
};

/**
 * Subscribes, and stays subscribed: through lost connections, refusals and a
 * server that ends it. Returns how to stop.
 */
export function stayTuned<T, V extends Record<string, unknown>>(
  document: TypedDocumentNode<T, V>,
  variables: V,
  { next, refused = () => {} }: Tuned<T>,
): () => void {
  const query = stringifyDocument(document);
  let again: ReturnType<typeof setTimeout> | undefined;
  let stop = () => {};
  let stopped = false;
  let isRefused = false;
  const refuse = (graphQLErrors: GraphQLErrors) => {
    isRefused = true;
    const over = new Error("the subscription ended");
    refused(new CombinedError(graphQLErrors.length ? { graphQLErrors } : { networkError: over }));
  };
  const begin = () => {
    const ended = (errors: unknown) => {
      if (stopped) return;
      refuse(Array.isArray(errors) ? errors : []);
      again = setTimeout(begin, resubscribeAfterMS);
    };
    stop = socket.subscribe<T>(
      { query, variables },
      {
        next: ({ data, errors }) => {
          if (!data) return refuse([...(errors ?? [])]);
          if (isRefused) refused(null);
          isRefused = false;
          next(data);
        },
        error: ended,
        complete: () => ended(null),
      },
    );
  };
  begin();
  return () => {
    stopped = true;
    clearTimeout(again);
    stop();
  };
}

/** A client with an empty cache. After a sign-out, the next person gets a new one. */
export function createAPI(): Client {
  return new Client({
    url: "/graphql",
    preferGetMethod: false,
    fetchOptions: { headers: { accept: "application/graphql-response+json, application/json" } },
    exchanges: [
      mapExchange({
        onResult: (result) => {
          if (result.data) setSession("signed-in");
        },
        onError: (error) => {
          if (isUnauthenticated(error)) refuseSession();
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  });
}

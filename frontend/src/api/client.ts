import {
  Client,
  cacheExchange,
  fetchExchange,
  mapExchange,
  subscriptionExchange,
} from "@urql/core";
import { createClient as createSocket } from "graphql-ws";
import { isUnauthenticated } from "./errors";
import { setSession } from "./session";

/** Close codes with which the server says that the session is over. */
const unauthorizedCloseCodes = new Set([4401, 4403]);
const longestRetryMS = 10_000;

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

const socket = createSocket({
  url: socketURL,
  keepAlive: 10_000,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: (retries) => {
    const waitMS = Math.min(longestRetryMS, 500 * 2 ** retries) * (0.75 + Math.random() / 2);
    return new Promise((resolve) => setTimeout(resolve, waitMS));
  },
  on: {
    connecting: () => announce("connecting"),
    connected: () => announce("connected"),
    closed: (event) => {
      announce("disconnected");
      const code = (event as { code?: number }).code;
      if (code !== undefined && unauthorizedCloseCodes.has(code)) setSession("signed-out");
    },
  },
});

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
          if (isUnauthenticated(error)) setSession("signed-out");
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query: request.query ?? "", variables: request.variables },
              {
                next: (value) => sink.next({ data: value.data, errors: value.errors }),
                error: (reason) => sink.error(reason),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
}

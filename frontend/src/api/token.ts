/** The token of a link. It is taken out of the address bar and the history at once. */
export function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash !== "") {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return token;
}

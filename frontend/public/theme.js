// Runs before the first paint, so that a chosen theme doesn't flash.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("weir.theme");
  } catch {
    // Storage is blocked: the system's theme it is.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();

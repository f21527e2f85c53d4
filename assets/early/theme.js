// Chooses light or dark before the first paint: what was chosen here before, else what the system prefers.
(function () {
  "use strict";
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function kept() {
    try { return window.localStorage.getItem("stateroom-theme"); } catch (_) { return null; }
  }
  function apply() {
    var theme = kept() || (system.matches ? "dark" : "light");
    document.documentElement.setAttribute("data-bs-theme", theme);
    document.documentElement.setAttribute("data-ag-theme-mode", theme);
    document.dispatchEvent(new CustomEvent("stateroom-theme", { detail: theme }));
  }
  window.stateroomTheme = {
    toggle: function () {
      var now = document.documentElement.getAttribute("data-bs-theme");
      try { window.localStorage.setItem("stateroom-theme", now === "dark" ? "light" : "dark"); } catch (_) { /* private mode */ }
      apply();
    }
  };
  system.addEventListener("change", apply);
  apply();
})();

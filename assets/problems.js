// A callback that failed is not silent: its problem (RFC 9457) is shown in a banner that screen readers announce.
(function () {
  "use strict";
  var WATCHED = /\/_dash-(update-component|layout|dependencies)(\?|$)/;
  var ENDED = "Your session has ended. Reload the page.";
  var GONE = "The server does not answer. Your work is kept; try again in a moment.";

  function banner() {
    var found = document.getElementById("problem-banner");
    if (found) { return found; }
    var made = document.createElement("div");
    made.id = "problem-banner";
    made.className = "problem-banner";
    made.setAttribute("role", "alert");
    made.setAttribute("aria-live", "assertive");
    document.body.appendChild(made);
    return made;
  }

  function button(text, className, action) {
    var made = document.createElement("button");
    made.type = "button";
    made.className = className;
    made.textContent = text;
    made.addEventListener("click", action);
    return made;
  }

  function show(text, reload, number) {
    var place = banner();
    var words = document.createElement("span");
    words.className = "problem-words";
    words.textContent = text;
    if (number) { words.title = "Error " + number; }
    var parts = [words];
    if (reload) { parts.push(button("Reload", "btn btn-sm btn-light", function () { window.location.reload(); })); }
    var close = button("", "btn-close btn-close-white", function () { place.hidden = true; });
    close.setAttribute("aria-label", "Close");
    parts.push(close);
    place.replaceChildren.apply(place, parts);
    place.hidden = false;
  }

  async function report(response) {
    var text = await response.text();
    response.text = async function () { return text; };  // Dash reads it again, after a 401 even twice
    response.json = async function () { return JSON.parse(text); };
    if (response.status === 401) { show(ENDED, true); return; }
    var problem = {};
    try { problem = JSON.parse(text); } catch (_) { /* not from us: a proxy's page */ }
    show(problem.detail || GONE, false, problem.error_id);
  }

  var original = window.fetch;
  window.fetch = async function (resource, options) {
    var address = typeof resource === "string" ? resource : resource.url || String(resource);
    if (!WATCHED.test(address)) { return original.call(window, resource, options); }
    try {
      var response = await original.call(window, resource, options);
      if (response.status >= 400) { await report(response); }
      return response;
    } catch (error) {
      if (error.name !== "AbortError") { show(GONE, false); }
      throw error;
    }
  };
})();

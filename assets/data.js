// Search boxes of the Data page: `data-search-in` on a box names the list; its parts that do not hold every word are hidden.
(function () {
  "use strict";
  var PARTS = "[data-searched], .data-table, .form-check";

  function parts(list) {
    var found = Array.prototype.slice.call(list.querySelectorAll(PARTS));
    return found.filter(function (part) { return !part.parentElement.closest(PARTS); });
  }

  function apply(box) {
    var list = document.getElementById(box.getAttribute("data-search-in"));
    var input = box.querySelector("input");
    if (!list || !input) { return; }
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    parts(list).forEach(function (part) {
      var text = (part.getAttribute("data-searched") || part.textContent).toLowerCase();
      part.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
    });
  }

  function all() { document.querySelectorAll("[data-search-in]").forEach(apply); }

  document.addEventListener("input", function (event) {
    var box = event.target.closest && event.target.closest("[data-search-in]");
    if (box) { apply(box); }
  });

  var waiting = false;
  new MutationObserver(function () {
    if (waiting) { return; }
    waiting = true;
    window.requestAnimationFrame(function () { waiting = false; all(); });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();

// The frame's own behaviour: the theme button, and the account menu closes when one clicks elsewhere or presses Escape.
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    if (event.target.closest("#shell-theme-button")) { window.stateroomTheme.toggle(); }
    var menu = document.getElementById("shell-account-menu");
    if (menu && menu.open && !menu.contains(event.target)) { menu.open = false; }
  });
  document.addEventListener("keydown", function (event) {
    var menu = document.getElementById("shell-account-menu");
    if (event.key === "Escape" && menu && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();

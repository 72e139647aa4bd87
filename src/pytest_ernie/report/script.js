// The switch between the two languages, and what is folded: opened for paper and by links.
(function () {
  "use strict";
  var page = document.documentElement;
  var section = document.getElementById("ernie");
  function show(chinese) {
    [page, section].forEach(function (element) {
      if (element) element.classList.toggle("ernie-zh", chinese);
    });
    page.lang = chinese ? "zh" : "en";
  }
  function unfold() {
    var target = document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") target.open = true;
  }
  show(section ? section.classList.contains("ernie-zh") : false);
  var button = document.getElementById("ernie-language");
  if (button) {
    button.addEventListener("click", function () {
      show(!page.classList.contains("ernie-zh"));
    });
  }
  window.addEventListener("hashchange", unfold);
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.ernie-criterion").forEach(function (each) {
      each.open = true;
    });
  });
  unfold();
})();

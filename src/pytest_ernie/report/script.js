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
  // What pytest-html's own controls lack for those who can't see them.
  function name() {
    document.querySelectorAll(".filters input").forEach(function (box) {
      var text = box.nextElementSibling;
      box.setAttribute("aria-label", text ? text.textContent.trim() : box.dataset.testResult);
    });
    document.querySelectorAll("#environment ul > ul").forEach(function (list) {
      if (!list.children.length) return list.remove();
      var item = document.createElement("li");
      list.replaceWith(item);
      item.appendChild(list);
    });
  }
  window.addEventListener("load", name);
  window.addEventListener("hashchange", unfold);
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.ernie-criterion").forEach(function (each) {
      each.open = true;
    });
  });
  unfold();
})();

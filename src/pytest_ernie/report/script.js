// The switch between the two languages, and what is folded: opened for paper and by links.
(function () {
  "use strict";
  var page = document.documentElement;
  // What pytest-html writes itself: where, what of it, in Chinese, and in English where that isn't what is there.
  var OTHERS = [
    ["#title", /self-assessment|自评/, "自评", "self-assessment"],
    ["#title + p", /Report generated on (\S+) at (\S+) by/, "报告生成于 $1 $2，工具："],
    ["#environment-header h2", /Environment/, "环境"],
    [".run-count", /(\d+) tests? took (\S+)\./, "$1 项测试，用时 $2。"],
    ["p.filter", /.*/, "勾选以筛选结果。"],
    ["#show_all_details", /.*/, "展开全部"],
    ["#hide_all_details", /.*/, "收起全部"],
  ];
  var section = document.getElementById("ernie");
  function show(chinese) {
    [page, section].forEach(function (element) {
      if (element) element.classList.toggle("ernie-zh", chinese);
    });
    page.lang = chinese ? "zh" : "en";
    document.querySelectorAll("svg[data-zh]").forEach(function (picture) {
      if (!picture.dataset.en) picture.dataset.en = picture.getAttribute("aria-labelledby");
      picture.setAttribute("aria-labelledby", chinese ? picture.dataset.zh : picture.dataset.en);
    });
    OTHERS.forEach(function (other) {
      var text = document.querySelector(other[0]);
      text = text && text.firstChild;
      if (!text) return;
      if (text.written === undefined) text.written = text.nodeValue;
      var instead = chinese ? other[2] : other[3];
      text.nodeValue = instead ? text.written.replace(other[1], instead) : text.written;
    });
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
  window.addEventListener("load", function () {
    show(page.classList.contains("ernie-zh")); // what stands below this script is there by now
  });
  window.addEventListener("hashchange", unfold);
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.ernie-criterion").forEach(function (each) {
      each.open = true;
    });
  });
  unfold();
})();

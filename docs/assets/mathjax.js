/* Formulas: MathJax is loaded where a page has any, from the site itself. */
window.MathJax = {
  tex: { inlineMath: [["\\(", "\\)"]], displayMath: [["\\[", "\\]"]] },
  options: { ignoreHtmlClass: ".*", processHtmlClass: "arithmatex", enableMenu: false },
}
const besideThis = document.currentScript.src
document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector(".arithmatex")) return
  const script = document.createElement("script")
  script.src = new URL("tex-svg.js", besideThis)
  document.head.appendChild(script)
})

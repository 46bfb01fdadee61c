// What a person who cannot see, aim or distinguish well would stumble over, as a list of strings.
(() => {
  const wrong = [];
  const told = (element) => element.outerHTML.slice(0, 90);
  const visible = (element) => element.checkVisibility() && !element.closest("[aria-hidden=true]");
  for (const e of document.querySelectorAll("button, a, input, textarea, [tabindex]")) {
    if (!visible(e)) continue;
    const labelled = e.getAttribute("aria-label") || e.getAttribute("aria-labelledby");
    if (!labelled && !e.textContent.trim() && !(e.labels && e.labels.length)) wrong.push(`no name: ${told(e)}`);
    const box = e.getBoundingClientRect();
    if (box.width && (box.width < 24 || box.height < 24) && !e.matches("a, .reasons input")) wrong.push(`small: ${told(e)}`);
  }
  for (const e of document.images) if (!e.alt) wrong.push("a picture without a text");
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size < ids.length) wrong.push("an id twice");
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const solid = (colour) => colour.startsWith("rgb(");
  for (const e of document.querySelectorAll("p, span, b, button, legend, output, label, h1, h2, a, li, div")) {
    if (!visible(e) || !e.textContent.trim() || e.children.length || e.closest("[disabled], .avatar, .unseen")) continue;
    let back = e;
    while (back && !solid(getComputedStyle(back).backgroundColor)) back = back.parentElement;
    const colour = getComputedStyle(e).color;
    if (!back || !solid(colour)) continue;
    const [one, other] = [luminance(colour), luminance(getComputedStyle(back).backgroundColor)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${told(e)}`);
  }
  return wrong;
})()

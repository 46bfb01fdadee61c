"use strict";
// The review page. Everything that comes from the server is set as text, never as markup. An answer leaves the outbox
// (kept in the browser, so that a reload loses nothing) only when the server has said that it is on disk.

const $ = (id) => document.getElementById(id);
const meta = (name) => document.querySelector(`meta[name=${name}]`).content;
const IDLE_MS = 30000, RETRY_MS = 1500, OUTBOX = "postwright-outbox", WHO = "postwright-rater";
const REASONS = ["Wrong about the picture", "Off in tone", "Dull or worn", "Hard to understand", "Unsafe or private"];

const HOME = meta("home");  // an outbox is the browser's, for all homes that are served at this address in turn
const CANNOT_STAND = [404, 409, 413, 422];

let csrf = meta("csrf");
let rater = meta("rater");
let post = null;          // what is before the person
let scores = {};          // aspect -> number
let typed = [];           // aspects in the order in which they were scored, for undo
let at = 0;               // which aspect is marked
let mode = "loading";     // loading, rating, saving, judged, empty
let judged = null;        // the judge's view, once it was given
let decided = null;
let before = null;        // the last answered post, for undo
let ahead = false;        // the next post was asked for while an answer was on its way
let active = 0, lastSign = Date.now(), lastTick = Date.now();

// Small helpers

function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("data-") || name.startsWith("aria-") || ["role", "for", "dir", "lang"].includes(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const icon = (name) => svg("svg", {viewBox: "0 0 24 24", "aria-hidden": "true"}, svg("use", {href: `#i-${name}`}));
const one = (value) => (Math.round(value * 10) / 10).toString();
const uid = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
function say(text) { $("live").textContent = ""; requestAnimationFrame(() => { $("live").textContent = text; }); }
let hiding = 0;
function flash(text, ms = 1600) {
  $("saved").textContent = text;
  $("saved").classList.add("on");
  clearTimeout(hiding);
  hiding = setTimeout(() => $("saved").classList.remove("on"), ms);
}
function banner(text, bad = false) {
  $("banner").hidden = !text;
  $("banner").classList.toggle("bad", bad);
  if ($("banner").textContent !== (text || "")) $("banner").textContent = text || "";
}

// The server

class Told extends Error { constructor(status, body) { super(body.error || `The server answered ${status}`); this.status = status; this.body = body; } }
async function ask(path, body) {
  const how = body === undefined ? {} : {method: "POST", headers: {"content-type": "application/json", "x-postwright-csrf": csrf}, body: JSON.stringify(body, (name, value) => (typeof value === "string" && value.toWellFormed ? value.toWellFormed() : value))};
  const reply = await fetch(path, {...how, cache: "no-store", credentials: "same-origin"});
  const found = await reply.json().catch(() => ({}));
  if (reply.status === 403 && found.reload) {  // another process serves the page now
    const state = await (await fetch("/state", {cache: "no-store"})).json();
    if (state.home !== HOME) throw new Told(421, {error: "another home is served at this address now"});
    if (state.csrf !== csrf) { csrf = state.csrf; return ask(path, body); }
  }
  if (!reply.ok) throw new Told(reply.status, found);
  return found;
}
const outbox = () => { try { return JSON.parse(localStorage.getItem(OUTBOX)) || []; } catch { return []; } };
const keepOutbox = (list) => localStorage.setItem(OUTBOX, JSON.stringify(list));

// Send what a person said until the server has it; an answer that cannot stand is given back to the person. Without the
// token of a server that was started anew it can still stand: it is sent again until the person has opened its address.
async function send(path, body) {
  keepOutbox([...outbox(), {home: HOME, path, body}]);
  for (;;) {
    try {
      const found = await ask(path, body);
      keepOutbox(outbox().filter((entry) => entry.body.answer_id !== body.answer_id));
      standing(found);
      return found;
    } catch (error) {
      if (error instanceof Told && CANNOT_STAND.includes(error.status)) {
        keepOutbox(outbox().filter((entry) => entry.body.answer_id !== body.answer_id));
        throw error;
      }
      const why = !(error instanceof Told) ? "the server does not answer" : error.status === 401 ? "the server has a new token, so open the address that postwright review printed now in another tab" : error.message;
      banner(`Not saved yet: ${why}. Your answer is kept in this browser and sent again.`, true);
      await sleep(RETRY_MS);
    }
  }
}
async function flush() {  // answers that an earlier visit could not hand in
  for (const entry of outbox().filter((entry) => entry.home === HOME)) {
    keepOutbox(outbox().filter((other) => other.body.answer_id !== entry.body.answer_id));
    try { await send(entry.path, entry.body); flash("An earlier answer was handed in"); } catch (error) { flash(error.message, 4000); }
  }
}
function standing(found) {
  if (found.message) banner(found.waiting ? `Waiting for the warehouse. ${several(found.waiting, "answer")} safe on disk.` : "Waiting for the warehouse.");
  else banner("");
  const progress = found.progress;
  if (!progress) return;
  const share = progress.total ? progress.done / progress.total : 0;
  $("bar").setAttribute("aria-valuemax", progress.total);
  $("bar").setAttribute("aria-valuenow", progress.done);
  $("bar").firstElementChild.style.width = `${Math.min(100, 100 * share)}%`;
  const parts = [`${progress.done} of ${progress.total}`];
  if (progress.seconds !== null) parts.push(`${Math.round(progress.seconds)} s each`);
  if (progress.seconds_left !== null && progress.done < progress.total) parts.push(`${time(progress.seconds_left)} left`);
  $("told").textContent = parts.join(" · ");
}
const several = (n, thing) => `${n} ${thing}${n === 1 ? "" : "s"}`;
const time = (s) => (s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 360) / 10} h`);
setInterval(async () => {
  if (mode === "saving" || mode === "loading") return;
  try { const found = await ask("/state"); if (found.home !== HOME) return location.reload(); csrf = found.csrf; standing(found); } catch { banner("The server does not answer. Start it again with: postwright review", true); }
}, 4000);

// Time: only while there is a sign of a person

for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) addEventListener(kind, () => { tick(); lastSign = Date.now(); }, {passive: true});
function tick() {
  const now = Date.now();
  if (mode === "rating" && document.visibilityState === "visible") active += Math.max(0, Math.min(now, lastSign + IDLE_MS) - lastTick);
  lastTick = now;
}
setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);

// What comes next

async function next() {
  mode = "loading";
  for (;;) {
    try {
      const found = await ask(`/next?rater=${encodeURIComponent(rater)}`);
      standing(found);
      if (found.post) show(found.post); else done(found.progress);
      return;
    } catch (error) {
      if (error instanceof Told && error.status === 503) empty("Waiting for the warehouse", `${error.body.message ? "Another process is writing there" : "It is being read"}. This page goes on by itself.`);
      else if (error instanceof Told && error.status === 401) return empty("The token is missing", "Open the whole address that postwright review printed.");
      else if (error instanceof Told && error.status < 500) return empty("This cannot be shown", error.message);
      else empty("The server does not answer", "Start it again with: postwright review. This page goes on by itself.");
      await sleep(RETRY_MS);
    }
  }
}
function empty(title, text, more = false) {
  $("desk").hidden = true;
  $("empty").hidden = false;
  $("empty-title").textContent = title;
  $("empty-text").textContent = text;
  $("empty-more").hidden = !more;
}
function done(progress) {
  mode = "empty";
  post = null;
  const rated = progress.done ? `You have answered on ${several(progress.done, "post")}.` : "There is nothing to rate here.";
  empty(progress.done ? "All done" : "No posts", `${rated} New ones come as pipelines write them.`, progress.done > 0);
  say("All posts are rated");
}

function show(found, kept = null) {
  post = found;
  scores = kept ? {...kept} : draft(found);
  typed = Object.keys(scores);
  judged = null; decided = null; active = 0; lastTick = Date.now(); lastSign = Date.now();
  mode = "rating";
  $("empty").hidden = true;
  $("desk").hidden = false;
  drawCard();
  drawAspects();
  drawPanel();
  const open = post.rubric.aspects.findIndex((aspect) => !(aspect.name in scores));
  mark(open < 0 ? 0 : open);
  scrollTo({top: 0});
  say(`Next post, on ${post.platform_name}`);
}
function draft(found) { try { const kept = JSON.parse(sessionStorage.getItem("postwright-draft")); return kept && kept.id === found.post_id && kept.rubric === found.rubric.id && kept.rater === rater ? kept.scores : {}; } catch { return {}; } }
function keepDraft() { sessionStorage.setItem("postwright-draft", JSON.stringify({id: post.post_id, rubric: post.rubric.id, rater, scores})); }

// The post, as on its platform

const ICONS = {
  x: ["reply", "again", "like", "bars", "keep"], threads: ["like", "reply", "again", "send"], bluesky: ["reply", "again", "like", "more"],
  mastodon: ["reply", "again", "star", "keep"], instagram: ["like", "reply", "send", "keep"], other: ["reply", "again", "like", "keep"],
};
const LABELLED = {linkedin: [["thumb", "Like"], ["reply", "Comment"], ["again", "Repost"], ["send", "Send"]], facebook: [["thumb", "Like"], ["reply", "Comment"], ["send", "Share"]]};

function names() {
  const author = post.author || "Your account";
  const handle = author.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, post.platform === "instagram" || post.platform === "threads" ? "." : "").replace(/^\.|\.$/g, "") || "youraccount";
  const full = {x: `@${handle}`, bluesky: `@${handle}.bsky.social`, mastodon: `@${handle}@mastodon.social`}[post.platform];
  return {author, handle, full};
}
function by() {
  const {author, handle, full} = names();
  const on = post.date;
  const first = make("b", {dir: "auto"}, ["instagram", "threads"].includes(post.platform) ? handle : author);
  const rest = {
    x: `${full}${on ? ` · ${on}` : ""}`, bluesky: `${full}${on ? ` · ${on}` : ""}`, mastodon: full, instagram: on, threads: on, linkedin: on || "Company page", facebook: on || "Just now",
  }[post.platform] ?? on;
  const line = make("span", {class: "at"}, rest);
  if (post.platform === "linkedin" || post.platform === "facebook") { const globe = icon("globe"); globe.classList.add("globe"); line.append(" · ", globe); }
  return make("div", {class: "by"}, make("span", {class: "avatar", "aria-hidden": "true"}, [...author][0]?.toUpperCase() || "·"), make("div", {class: "names"}, first, line), make("span", {class: "where"}, post.platform_name));
}
function words() {
  const box = make("div", {class: "words", dir: "auto"});
  if (post.platform === "instagram") box.append(make("span", {class: "handle"}, names().handle), " ");
  for (const [kind, text] of post.segments) box.append(kind ? make("span", {class: kind}, text) : text);
  if (post.text.length > 1200) box.tabIndex = 0;  // it scrolls
  return box;
}
function picture() {
  if (!post.picture) return null;
  const box = make("div", {class: "picture"});
  const image = make("img", {alt: post.alt_text || "The picture of this post; it has no alternative text", decoding: "async"});
  if (post.width && post.height) { image.width = post.width; image.height = post.height; }
  image.addEventListener("error", async () => {
    let why = "The picture cannot be shown";
    try { why = (await (await fetch(image.src)).json()).error; } catch { /* what was said stands */ }
    box.replaceChildren(make("div", {class: "gone", role: "img", "aria-label": why}, why));
  });
  image.src = post.picture;
  box.append(image);
  if (post.alt_text) box.append(make("span", {class: "alt", "aria-hidden": "true"}, "ALT"));
  return box;
}
function icons() {
  const labelled = LABELLED[post.platform];
  const list = labelled ? labelled.map(([name, label]) => make("span", {}, icon(name), label)) : (ICONS[post.platform] || ICONS.other).map((name) => make("span", {class: post.platform === "instagram" && name === "keep" ? "end" : ""}, icon(name)));
  return make("div", {class: "icons", "aria-hidden": "true"}, ...list);
}
function drawCard() {
  const parts = post.platform === "instagram" ? [by(), picture(), icons(), words()] : [by(), words(), picture(), icons()];
  $("card").className = `card ${post.platform}`;
  $("card").replaceChildren(...parts.filter(Boolean));
  const below = [];
  if (post.limit) {
    const bar = make("i");
    bar.style.width = `${Math.min(100, (100 * post.length) / post.limit)}%`;
    below.push(make("p", {class: `meter${post.length > post.limit ? " over" : ""}`}, make("span", {class: "track", "aria-hidden": "true"}, bar), `${post.length.toLocaleString("en")} of ${post.limit.toLocaleString("en")} characters, as ${post.platform_name} counts`));
  }
  if (post.violations.length) below.push(make("div", {class: "note rule"}, make("b", {}, `Breaks ${post.platform_name}’s rules: `), post.violations.join("; ")));
  if (post.picture) below.push(make("div", {class: "note"}, make("b", {}, post.alt_text ? "Alternative text" : "No alternative text"), post.alt_text ? make("p", {dir: "auto"}, post.alt_text) : ""));
  if (post.item_text) below.push(make("div", {class: "note"}, make("b", {}, post.picture ? "Came with the picture" : "It is about this text"), make("p", {dir: "auto"}, post.item_text)));
  $("below").replaceChildren(...below);
}

// The rating

function drawAspects() {
  const {min, max} = post.rubric;
  const rows = post.rubric.aspects.map((aspect, n) => {
    const cells = [];
    for (let value = Math.ceil(min); value <= max; value += 1) {
      const input = make("input", {type: "radio", name: aspect.name, value: String(value), checked: scores[aspect.name] === value});
      input.setAttribute("aria-label", `${value} of ${max}`);
      input.addEventListener("change", () => score(n, value, false));
      input.addEventListener("focus", () => mark(n, false));
      cells.push(make("label", {}, input, make("span", {"aria-hidden": "true"}, String(value))));
    }
    const levels = () => make("ol", {class: "levels"}, ...aspect.levels.map(([level, text]) => make("li", {}, make("b", {}, level), make("span", {}, text))));
    const row = make("fieldset", {class: "aspect"}, make("legend", {}, make("span", {}, aspect.title), make("output", {}, "")), make("p", {class: "question"}, aspect.question), make("div", {class: "scale"}, ...cells), levels(), make("details", {class: "more"}, make("summary", {}, "What the levels look like"), levels()));
    row.addEventListener("click", () => mark(n, false));
    return row;
  });
  $("aspects").replaceChildren(...rows);
}
function mark(n, focus = true) {
  at = n;
  [...$("aspects").children].forEach((row, k) => row.classList.toggle("here", k === n));
  refresh();
  if (!focus) return;
  const row = $("aspects").children[n];
  if (row) (row.querySelector("input:checked") || row.querySelector("input")).focus({preventScroll: innerWidth > 980});
}
function refresh() {
  post.rubric.aspects.forEach((aspect, n) => {
    const row = $("aspects").children[n];
    row.querySelector("output").textContent = aspect.name in scores ? String(scores[aspect.name]) : "";
    for (const input of row.querySelectorAll("input")) input.checked = Number(input.value) === scores[aspect.name];
  });
  const open = post.rubric.aspects.length - Object.keys(scores).length;
  $("enter").disabled = mode === "saving" || (mode === "rating" && open > 0);
  if (mode === "rating") $("panel-note").textContent = open ? `${open} of ${several(post.rubric.aspects.length, "aspect")} left` : "All rated: decide, or save";
  $("undo").disabled = mode === "saving" || (mode === "rating" && !typed.length && !before);
  $("skip").disabled = mode !== "rating";
}
function score(n, value, goOn = true) {
  const aspect = post.rubric.aspects[n];
  if (value < post.rubric.min || value > post.rubric.max) return flash(`This rubric goes from ${post.rubric.min} to ${post.rubric.max}`);
  scores[aspect.name] = value;
  typed = [...typed.filter((name) => name !== aspect.name), aspect.name];
  keepDraft();
  say(`${aspect.title}: ${value}`);
  if (goOn) {
    const later = post.rubric.aspects.findIndex((other, k) => k > n && !(other.name in scores));
    const open = later < 0 ? post.rubric.aspects.findIndex((other) => !(other.name in scores)) : later;
    mark(open < 0 ? n : open);
  } else refresh();
}
function drawPanel() {
  const isJudged = mode === "judged";
  $("aspects").hidden = isJudged;
  $("judged").hidden = !isJudged;
  $("panel").classList.toggle("done", isJudged);
  $("panel-title").textContent = isJudged ? "You, and the judge" : post.rubric.title;
  $("panel-note").textContent = isJudged ? said() : "";
  $("enter").firstChild.textContent = isJudged ? "Next post " : "Save ratings ";
  for (const button of $("acts").children) button.classList.toggle("chosen", isJudged && decided === button.dataset.act);
  for (const button of document.querySelectorAll("#acts .act")) button.disabled = mode === "saving";
  refresh();
}
const said = () => ({approve: "You approved it", edit: "You edited it", reject: "You rejected it"}[decided] || "Rated, not decided");

// What is said

async function answer(decision, more = {}) {
  const left = post.rubric.aspects.length - Object.keys(scores).length;
  tick();
  const body = {answer_id: uid(), post_id: post.post_id, rubric_id: post.rubric.id, rater, scores: mode === "judged" ? {} : scores, decision, seconds: Math.round(active) / 1000, ...more};
  const was = mode;
  mode = "saving";
  drawButtons();
  try {
    const found = await send("/answer", body);
    before = {post, scores: {...scores}};
    sessionStorage.removeItem("postwright-draft");
    decided = decision || decided;
    judged = found.judged;
    mode = "judged";
    drawJudged(more);
    drawPanel();
    flash(left && was === "rating" ? `${said()}, with ${several(left, "aspect")} unrated` : said());
    say(`Saved. ${said()}.`);
    if (ahead) { ahead = false; return next(); }
    $("enter").focus({preventScroll: innerWidth > 980});
    if (innerWidth <= 980) $("panel").scrollIntoView({block: "start"});
  } catch (error) {
    mode = was;
    ahead = false;
    drawPanel();
    flash(error.message, 5000);
    say(error.message);
    if (error.status === 404 || error.status === 409) next();  // it is not here, or not by this rubric, any more
  }
}
function drawButtons() { for (const button of document.querySelectorAll("#panel .act")) button.disabled = busy(); }

function drawJudged(more) {
  const {min, max} = post.rubric;
  const place = (value) => `${(100 * (value - min)) / (max - min)}%`;
  const parts = [];
  if (!judged.judges.length) parts.push(make("p", {class: "note"}, "No judge has read this post yet."));
  for (const judge of judged.judges) {
    parts.push(make("p", {class: "legend"}, make("span", {class: "you"}, make("i"), "You"), make("span", {class: "theirs"}, make("i"), make("b", {}, judge.model))));
    const titles = new Map(post.rubric.aspects.map((aspect) => [aspect.name, aspect.title]));
    const order = [...titles.keys()].filter((name) => name in judge.aspects).concat(Object.keys(judge.aspects).filter((name) => !titles.has(name)));
    const rows = order.map((name) => {
      const theirs = judge.aspects[name], mine = scores[name];
      const apart = mine !== undefined && theirs.score !== null ? theirs.score - mine : null;
      const line = make("span", {}, make("span", {class: "you"}, mine === undefined ? "–" : one(mine)), " · ", make("span", {class: "theirs"}, theirs.score === null ? "failed" : one(theirs.score)), apart === null ? "" : ` (${apart > 0 ? "+" : apart < 0 ? "−" : "±"}${one(Math.abs(apart))})`);
      const drawing = svg("svg", {"aria-hidden": "true"});
      if (apart) drawing.append(svg("line", {class: "gap", x1: place(mine), x2: place(theirs.score), y1: "50%", y2: "50%"}));
      if (theirs.score !== null) drawing.append(svg("circle", {class: "dot-judge", cx: place(theirs.score), cy: "50%", r: "6.5"}));
      if (mine !== undefined) drawing.append(svg("circle", {class: "dot-you", cx: place(mine), cy: "50%", r: apart === 0 ? "4" : "7"}));
      const note = [theirs.reasoning, theirs.spread ? `Its ${theirs.readings} readings differ by ${one(theirs.spread)}.` : "", theirs.failed ? `${several(theirs.failed, "reading")} failed.` : ""].filter(Boolean).join(" ");
      return make("li", {}, make("div", {class: "line"}, make("span", {}, titles.get(name) || name.replaceAll("_", " ")), line), make("div", {class: "dots"}, drawing), make("p", {class: "reasoning", dir: "auto"}, note || "No reason was given."));
    });
    parts.push(make("ol", {class: "verdict"}, ...rows));
  }
  const why = judged.slice === "audit" ? "Drawn at random: what is measured on such posts holds for all." : judged.why.length ? `Shown because ${judged.why.join("; ")}.` : "Shown in its turn: nothing speaks for or against it.";
  parts.push(make("p", {class: "why"}, why));
  if (more.reason) parts.push(make("p", {class: "why"}, make("b", {}, decided === "edit" ? "Your edit: " : "Your reason: "), more.reason));
  $("judged").replaceChildren(...parts);
}

async function undo() {
  if (mode === "rating" && typed.length) {
    const name = typed.pop();
    delete scores[name];
    keepDraft();
    return mark(post.rubric.aspects.findIndex((aspect) => aspect.name === name));
  }
  if (!before) return flash("There is nothing to undo");
  const was = before, from = mode;
  mode = "saving";
  drawButtons();
  try {
    await send("/undo", {answer_id: uid(), post_id: was.post.post_id, rater});
    before = null;
    ahead = false;
    show(was.post, was.scores);
    $("panel-note").textContent = "Taken back. What you say now is marked as said with the judge seen";
    flash("Your answer is taken back");
  } catch (error) {
    mode = from;
    ahead = false;
    drawPanel();
    flash(error.message, 4000);
  }
}
async function skip() {
  if (mode !== "rating") return;
  mode = "loading";  // from here on a key would be about a post that is leaving
  drawButtons();
  try { await ask("/skip", {post_id: post.post_id, rater}); } catch (error) { flash(error.message); }
  flash("Skipped; it comes again at the end");
  next();
}
function enter() {
  if (mode === "judged") return next();
  if (mode !== "rating") return;
  const left = post.rubric.aspects.length - Object.keys(scores).length;
  if (left) return flash(`${several(left, "aspect")} left to rate`);
  answer(null);
}

// Dialogs

function open(id) { const dialog = $(id); if (!dialog.open) dialog.showModal(); return dialog; }
function wrong(id, text) { $(`${id}-error`).textContent = text; $(`${id}-error`).hidden = !text; }
function reject() {
  wrong("reject", "");
  $("reject-form").reset();
  open("reject");
  document.querySelector("#reject input").focus();
}
function edit() {
  wrong("edit", "");
  $("edit-text").value = post.text;
  $("edit-alt").value = post.alt_text;
  $("edit-alt-field").hidden = !post.picture;
  $("edit-reason").value = "";
  count();
  countAlt();
  open("edit");
  $("edit-text").focus();
  $("edit-text").setSelectionRange(0, 0);
}
let counting = 0;
async function count() {
  const text = $("edit-text").value, turn = (counting += 1);
  try {
    const found = await ask("/count", {platform: post.platform, text});
    if (turn !== counting) return;
    $("edit-count").textContent = found.violations.length ? `${found.violations.join("; ")}` : found.limit ? `${found.length.toLocaleString("en")} of ${found.limit.toLocaleString("en")}` : `${found.length.toLocaleString("en")} characters`;
    $("edit-count").classList.toggle("over", found.violations.length > 0);
  } catch { $("edit-count").textContent = ""; }
}
function countAlt() {  // as Python counts: code points
  const length = [...$("edit-alt").value].length, limit = post.alt_limit;
  $("edit-alt-count").textContent = limit ? `${length.toLocaleString("en")} of ${limit.toLocaleString("en")}` : "";
  $("edit-alt-count").classList.toggle("over", Boolean(limit) && length > limit);
}
$("edit-alt").addEventListener("input", countAlt);
let later = 0;
$("edit-text").addEventListener("input", () => { clearTimeout(later); later = setTimeout(count, 180); });
$("edit-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("edit-text").value, alt = $("edit-alt").value, reason = $("edit-reason").value.trim();
  if (text === post.text && (alt === post.alt_text || !alt.trim())) return wrong("edit", "Nothing is changed yet.");
  if (post.picture && alt !== post.alt_text && post.alt_limit && [...alt].length > post.alt_limit) return wrong("edit", `${post.platform_name} takes at most ${post.alt_limit.toLocaleString("en")} characters of alternative text.`);
  if (!text.trim()) return wrong("edit", "A post without words cannot be published; reject it instead.");
  if (!reason) { wrong("edit", "Say why: the reason is what others and models learn from."); return $("edit-reason").focus(); }
  $("edit").close();
  answer("edit", {text, alt_text: post.picture ? alt : null, reason});
});
$("edit").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); $("edit-form").requestSubmit(); } });
$("reject-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = document.querySelector("#reject input:checked"), words = $("reject-reason").value.trim();
  const reason = [chosen?.value, words].filter(Boolean).join(": ");
  if (!reason) return wrong("reject", "Choose a reason, or write one.");
  $("reject").close();
  answer("reject", {reason});
});
$("reject").addEventListener("keydown", (event) => {
  if (event.target.matches("textarea") && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
  if (/^[1-9]$/.test(event.key)) { const box = document.querySelectorAll("#reject .reasons input")[Number(event.key) - 1]; if (box) { event.preventDefault(); box.checked = true; box.focus(); } }
  if (event.key === "Enter") { event.preventDefault(); $("reject-form").requestSubmit(); }
});
$("name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name-input").value.trim();
  if (!name) return wrong("name", "A name is needed: whose ratings are these?");
  rater = name;
  localStorage.setItem(WHO, JSON.stringify({of: meta("rater"), name}));
  $("who").textContent = rater;
  before = null;
  $("name").close();
  if (mode !== "saving") next();
});
for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", () => { if (mode === "rating") mark(at); else if (mode === "judged") $("enter").focus(); });
$("who").addEventListener("click", () => { wrong("name", ""); $("name-input").value = rater; open("name"); $("name-input").select(); });
$("help-button").addEventListener("click", () => open("help"));
REASONS.forEach((reason, n) => {
  document.querySelector("#reject .reasons").append(make("label", {}, make("input", {type: "radio", name: "reason", value: reason}), make("span", {}, reason), make("kbd", {"aria-hidden": "true"}, String(n + 1))));
  $("edit-reasons").append(make("option", {value: reason}));
});

// Keys and buttons

const ACTS = {approve: () => answer("approve"), reject, edit, undo, skip, enter};
const KEYS = {a: "approve", r: "reject", e: "edit", u: "undo", s: "skip", n: "enter"};
const busy = () => mode === "saving" || mode === "loading";
// While an answer is on its way "next" is remembered. Nothing else is: a score typed ahead would be one of a post that
// nobody has seen. So it is not taken, and that is said.
function tooEarly(name) {
  if (mode === "saving" && name === "enter") { ahead = true; return say("The next post comes as soon as this is saved"); }
  flash("Not taken: wait for the post", 2500);
  say("That key was not taken: the page was not ready");
}
function act(name) {
  if (busy()) return tooEarly(name);
  if (!post && name !== "undo") return;
  ACTS[name]();
}
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button.dataset.act));
addEventListener("keydown", (event) => {
  if (event.defaultPrevented) return;  // a dialog took it, and may have closed by it
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.target.matches("textarea, select, input:not([type=radio])")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "?") { event.preventDefault(); return open("help"); }
  if (busy() && /^[0-9]$/.test(key)) { event.preventDefault(); return tooEarly(key); }
  if (mode === "rating" && /^[0-9]$/.test(key)) { event.preventDefault(); return score(at, key === "0" ? 10 : Number(key)); }
  if (mode === "rating" && ["j", "ArrowDown", "k", "ArrowUp"].includes(key) && !event.target.matches(".words")) {
    event.preventDefault();
    const n = post.rubric.aspects.length;
    return mark((at + (key === "j" || key === "ArrowDown" ? 1 : n - 1)) % n);
  }
  if (key === "Enter" && !event.target.matches("button, a")) { event.preventDefault(); return act("enter"); }
  if (key in KEYS && !event.repeat) { event.preventDefault(); act(KEYS[key]); }
});
$("aspects").addEventListener("submit", (event) => event.preventDefault());

try { const kept = JSON.parse(localStorage.getItem(WHO)); if (kept && kept.of === rater && kept.name) rater = kept.name; } catch { /* the server's name stands */ }
$("who").textContent = rater;
flush().then(next);

"use strict";
(() => {
  const bar = document.querySelector(".filter");
  const posts = [...document.querySelectorAll("[data-post]")];
  const viewer = document.querySelector("dialog");
  for (const button of document.querySelectorAll(".picture button")) {
    button.addEventListener("click", () => {
      const picture = button.querySelector("img");
      viewer.querySelector("img").src = picture.src;
      viewer.querySelector("img").alt = picture.alt;
      viewer.querySelector("p").textContent = picture.alt;
      viewer.showModal();
    });
  }
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  if (!bar) return;
  bar.hidden = false;
  const form = bar.querySelector("form");
  const count = bar.querySelector("output");
  const cards = document.querySelector(".cards");
  const further = document.querySelector(".further");
  let page = 24;
  const none = document.querySelector("#nothing");
  const toggle = bar.querySelector(".toggle");
  const choices = bar.querySelector(".choices");
  const texts = new Map(posts.map((post) => [post, post.textContent.toLowerCase().replace(/\s+/g, " ")]));
  const order = new Map(posts.map((post, place) => [post, place]));
  const value = (name) => form.elements[name].value;
  const number = (text, other) => (text === "" || Number.isNaN(Number(text)) ? other : Number(text));

  function matches(post) {
    const data = post.dataset;
    for (const name of ["scene", "topic", "sentiment", "state"]) {
      if (value(name) && data[name] !== value(name)) return false;
    }
    const low = number(value("low"), null), high = number(value("high"), null);
    if (low !== null || high !== null) {
      if (data.score === "") return false;
      const shown = Math.round(Number(data.score) * 10) / 10;
      if ((low !== null && shown < low) || (high !== null && shown > high)) return false;
    }
    return value("text").toLowerCase().split(/\s+/).every((word) => texts.get(post).includes(word));
  }

  const sorts = {
    best: (post) => -number(post.dataset.score, -1e9),
    worst: (post) => number(post.dataset.score, 1e9),
    newest: (post) => -number(post.dataset.time, -1e15),
    oldest: (post) => number(post.dataset.time, 1e15),
  };

  function update() {
    let shown = 0;
    for (const post of posts) {
      post.hidden = !matches(post);
      if (!post.hidden) shown += 1;
    }
    let place = 0, later = 0;
    for (const card of cards.children) {
      if (!card.hidden) place += 1;
      const wait = !card.hidden && place > page;
      card.classList.toggle("later", wait);
      if (wait) later += 1;
    }
    further.hidden = later === 0;
    further.firstElementChild.textContent = `Show ${later} more`;
    count.textContent = `${shown.toLocaleString("en")} of ${posts.length.toLocaleString("en")} posts`;
    none.hidden = shown > 0;
  }

  function sort() {
    const key = sorts[value("sort")];
    const sorted = [...posts].sort((a, b) => key(a) - key(b) || order.get(a) - order.get(b));
    for (const home of new Set(posts.map((post) => post.parentNode))) {
      home.append(...sorted.filter((post) => post.parentNode === home));
    }
    update();
  }

  form.addEventListener("input", update);
  form.elements.sort.addEventListener("change", sort);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(sort));
  further.addEventListener("click", () => { page = Infinity; update(); });
  toggle.addEventListener("click", () => {
    toggle.setAttribute("aria-expanded", String(choices.classList.toggle("open")));
  });
  update();
})();

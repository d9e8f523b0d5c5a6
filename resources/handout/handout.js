// Comfort only: everything can be read without it. It marks the page in sight, turns pages by keys, and asks the centre
// now and then whether this may still be shown; a tablet must not keep a child that was taken back.
"use strict";
const ASK_EVERY_MS = 15000;
const pages = document.querySelector("main");
const links = [...document.querySelectorAll("nav a")];
const sections = [...pages.children];

function current() {
  return Math.min(sections.length - 1, Math.round(pages.scrollLeft / pages.clientWidth));
}

function mark() {
  links.forEach((link, number) => {
    if (number === current()) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
}

function turn(by) {
  const wanted = Math.max(0, Math.min(sections.length - 1, current() + by));
  pages.scrollTo({ left: wanted * pages.clientWidth });
}

async function ask() {
  try {
    const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" });
    if (answer.status === 410) location.replace(location.pathname);
  } catch {
    // Off line for a moment: the page ends by itself when its hour is over.
  }
}

links.forEach((link, number) =>
  link.addEventListener("click", (event) => {
    event.preventDefault();
    pages.scrollTo({ left: number * pages.clientWidth });
  }));
pages.addEventListener("scroll", mark, { passive: true });
window.addEventListener("resize", mark);
window.addEventListener("keydown", (event) => {
  if (event.key === "ArrowRight") turn(1);
  if (event.key === "ArrowLeft") turn(-1);
});
document.addEventListener("visibilitychange", () => document.hidden || ask());
window.addEventListener("pageshow", (event) => event.persisted && ask());
setInterval(ask, ASK_EVERY_MS);
mark();

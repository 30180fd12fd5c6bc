// Everything works without this file. It saves answers as they are given, counts characters in long texts, and lets a
// radio button be taken back. Words come from the page (data-…), so that they follow its language.
"use strict";
(() => {
  document.documentElement.classList.add("has-script");

  const faults = document.getElementById("faults");
  if (faults) faults.focus();

  // A password can be shown while it is typed.
  for (const field of document.querySelectorAll("input[type=password][data-show]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button plain show-password";
    button.textContent = field.dataset.show;
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-controls", field.id);
    button.addEventListener("click", () => {
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
    });
    field.after(button);
    field.form.addEventListener("submit", () => { field.type = "password"; });
  }

  const form = document.getElementById("screen");
  if (!form) return;
  const note = document.querySelector(".saved-note");
  const revision = form.elements.namedItem("revision");
  let waiting = null;
  let running = null;
  let again = false;
  let stopped = false;

  const say = (word, kind) => {
    if (!note) return;
    note.textContent = note.dataset[word] || "";
    note.className = "saved-note " + (kind || "");
  };

  const send = async () => {
    if (stopped) return;
    if (running) { again = true; return; }
    const fields = new URLSearchParams(new FormData(form));
    fields.set("autosave", "1");
    const giveUp = new AbortController();
    running = giveUp;
    say("saving");
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: fields, credentials: "same-origin", redirect: "error", signal: giveUp.signal,
        headers: { accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const saved = await answer.json();
      // After a conflict the old revision stays, so that going on shows the difference instead of overwriting it.
      if (saved.conflict) { stopped = true; say("conflict", "failed"); return; }
      revision.value = saved.revision;
      if (saved.faults) say("fault", "failed"); else say("saved", "ok");
    } catch (error) {
      if (!stopped) say("failed", "failed");
    } finally {
      running = null;
      if (again) { again = false; send(); }
    }
  };

  const soon = (delay) => { clearTimeout(waiting); waiting = setTimeout(send, delay); };
  form.addEventListener("change", () => soon(150));
  form.addEventListener("input", (event) => { if (event.target.matches("textarea")) soon(1200); });
  form.addEventListener("submit", () => { stopped = true; clearTimeout(waiting); if (running) running.abort(); });

  // A second press on a chosen radio button takes the answer back.
  for (const radio of form.querySelectorAll("input[type=radio]")) {
    let chosen = false;
    const before = () => { chosen = radio.checked; };
    const label = radio.closest("label") || radio;
    label.addEventListener("pointerdown", before);
    radio.addEventListener("click", () => {
      if (chosen) { radio.checked = false; soon(150); }
      chosen = false;
    });
  }

  // How much room is left, said only when it gets short.
  for (const text of form.querySelectorAll("textarea[data-limit]")) {
    const limit = Number(text.dataset.limit);
    const count = document.createElement("span");
    count.className = "count";
    count.setAttribute("aria-live", "polite");
    text.after(count);
    const show = () => {
      const length = Array.from(text.value.trim()).length;
      count.textContent = length > limit * 0.8 ? length + " / " + limit : "";
    };
    text.addEventListener("input", show);
    show();
  }
})();

// Coding an open answer with the keyboard: digits tick themes, j and k go on and back; Enter presses the form's own button.
(() => {
  const coding = document.getElementById("coding");
  if (!coding) return;
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.matches("textarea, input[type=text], select")) return;
    const link = { j: "later", k: "earlier" }[event.key];
    if (link) {
      const to = document.getElementById(link);
      if (to) to.click();
      return;
    }
    if (/^[1-9]$/.test(event.key)) {
      const box = coding.querySelector(`input[data-digit="${event.key}"]`);
      if (box) box.checked = !box.checked;
      return;
    }
    if (event.key === "Enter" && !event.target.closest("a, button, form")) coding.requestSubmit();
  });
})();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const input = parentElement.querySelector("input");
  const list = parentElement.querySelector("ul");
  const live = parentElement.querySelector(".live");
  input.placeholder = data.placeholder;
  input.setAttribute("aria-label", data.label);
  list.setAttribute("aria-label", data.label);
  // Streamlit calls this anew for the same elements: what is typed and found outlives that.
  const state = (parentElement.searching ??= { found: [], active: -1, asked: 0, timer: 0, of: "" });

  const close = () => {
    list.hidden = true;
    state.active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    const issue = state.found[index];
    if (!issue) return;
    close();
    input.value = "";
    setTriggerValue("chosen", issue.symbol);
  };
  const mark = (index) => {
    state.active = (index + state.found.length) % state.found.length;
    [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === state.active)));
    input.setAttribute("aria-activedescendant", `issue-${state.active}`);
    list.children[state.active].scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    list.replaceChildren(
      ...state.found.map((issue, index) => {
        const item = document.createElement("li");
        item.id = `issue-${index}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        for (const [name, text] of [["code", issue.symbol], ["name", issue.name], ["market", issue.market || ""]]) {
          const part = document.createElement("span");
          part.className = name;
          part.textContent = text; // never HTML: names are somebody else's
          item.append(part);
        }
        item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(index); });
        return item;
      }),
    );
    live.textContent = state.found.length ? `${state.found.length}` : data.nothing;
    list.hidden = !state.found.length;
    input.setAttribute("aria-expanded", String(state.found.length > 0));
    if (state.found.length) mark(0);
  };
  const ask = async () => {
    const text = input.value.trim();
    const number = ++state.asked;
    if (!text) { state.found = []; live.textContent = ""; close(); return; }
    try {
      const answer = await fetch(`find?q=${encodeURIComponent(text)}`, { credentials: "same-origin" });
      if (number !== state.asked) return;
      if (answer.status === 401) { window.location.reload(); return; }
      state.found = answer.ok ? (await answer.json()).issues : [];
      state.of = text;
      show();
      if (!answer.ok) live.textContent = data.away;
    } catch (error) {
      if (number === state.asked) { state.found = []; close(); live.textContent = data.away; }
    }
  };
  input.oninput = () => { clearTimeout(state.timer); state.timer = setTimeout(ask, 80); };
  input.onblur = () => setTimeout(close, 150);
  input.onkeydown = (event) => {
    if (event.key === "ArrowDown" && state.found.length) { event.preventDefault(); mark(state.active + 1); }
    else if (event.key === "ArrowUp" && state.found.length) { event.preventDefault(); mark(state.active - 1); }
    else if (event.key === "Enter") {
      event.preventDefault();
      clearTimeout(state.timer);
      // Whoever types fast is ahead of the answers: what is open is of fewer letters.
      if (state.active >= 0 && state.of === input.value.trim()) choose(state.active);
      else ask().then(() => choose(state.active));
    }
    else if (event.key === "Escape") { input.value = ""; close(); input.blur(); }
  };
  const focus = (event) => {
    const target = event.composedPath()[0];
    const typing = target && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    }
  };
  document.addEventListener("keydown", focus);
  return () => document.removeEventListener("keydown", focus);
}

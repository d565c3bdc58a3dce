export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const input = parentElement.querySelector("input");
  const list = parentElement.querySelector("ul");
  const live = parentElement.querySelector(".live");
  input.placeholder = data.placeholder;
  input.setAttribute("aria-label", data.label);
  list.setAttribute("aria-label", data.label);
  let found = [], active = -1, asked = 0, timer = 0;

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    const issue = found[index];
    if (!issue) return;
    close();
    input.value = "";
    setTriggerValue("chosen", issue.symbol);
  };
  const mark = (index) => {
    active = (index + found.length) % found.length;
    [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === active)));
    input.setAttribute("aria-activedescendant", `issue-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    list.replaceChildren(
      ...found.map((issue, index) => {
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
    live.textContent = found.length ? `${found.length}` : data.nothing;
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    if (found.length) mark(0);
  };
  const ask = async () => {
    const text = input.value.trim();
    const number = ++asked;
    if (!text) { found = []; live.textContent = ""; close(); return; }
    try {
      const answer = await fetch(`find?q=${encodeURIComponent(text)}`, { credentials: "same-origin" });
      if (number !== asked) return;
      if (answer.status === 401) { window.location.reload(); return; }
      found = answer.ok ? (await answer.json()).issues : [];
      show();
      if (!answer.ok) live.textContent = data.away;
    } catch (error) {
      if (number === asked) { found = []; close(); live.textContent = data.away; }
    }
  };
  input.oninput = () => { clearTimeout(timer); timer = setTimeout(ask, 80); };
  input.onblur = () => setTimeout(close, 150);
  input.onkeydown = (event) => {
    if (event.key === "ArrowDown" && found.length) { event.preventDefault(); mark(active + 1); }
    else if (event.key === "ArrowUp" && found.length) { event.preventDefault(); mark(active - 1); }
    else if (event.key === "Enter") { event.preventDefault(); choose(active); }
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

// The models to choose from: {models: [{name, title, facts, marks, now, recommended, use}]}; a
// button is there where `use`, its words, are. Fires `choose` with {name}.
const draw = () => {
  const make = (tag, name, text) => {
    const one = document.createElement(tag);
    if (name) one.className = name;
    one.textContent = text ?? "";
    return one;
  };
  const list = make("ul", "list");
  for (const model of props.value?.models ?? []) {
    const row = make("li", model.now ? "now" : model.recommended ? "recommended" : "");
    const name = make("p", "name", model.title);
    name.append(...model.marks.map((mark) => make("span", "", mark)));
    row.append(name, make("p", "facts", model.facts));
    if (model.use) {
      const button = make("button", "", model.use);
      button.type = "button";
      button.setAttribute("aria-label", `${model.use}: ${model.title}`);
      button.addEventListener("click", () => trigger("choose", { name: model.name }));
      row.append(button);
    }
    list.append(row);
  }
  element.replaceChildren(list);
};
watch("value", draw);
draw();

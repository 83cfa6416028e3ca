// The models to choose from: {models: [{name, title, facts, marks, now, recommended, use}]}; a
// button is there where `use`, its words, are. Fires `choose` with {name}.
const draw = () => {
  const list = make("ul", { className: "list" });
  for (const model of props.value?.models ?? []) {
    const className = model.now ? "now" : model.recommended ? "recommended" : "";
    const marks = model.marks.map((mark) => make("span", {}, mark));
    const row = make("li", { className },
      make("p", { className: "name" }, model.title, ...marks),
      make("p", { className: "facts" }, model.facts.replaceAll(" · ", "\u00a0· ").replaceAll(" %", "\u00a0%")));
    if (model.use) {
      const ariaLabel = `${model.use}${language() === 'zh' ? '：' : ': '}${model.title}`;
      const button = make("button", { type: "button", ariaLabel }, model.use);
      button.addEventListener("click", () => trigger("choose", { name: model.name }));
      row.append(button);
    }
    list.append(row);
  }
  element.replaceChildren(list);
};
watch("value", draw);
draw();

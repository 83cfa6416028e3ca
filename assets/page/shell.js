// The page's shell: tab, address, language and theme. Runs before the first paint, as the first
// thing in the body; `clipAppShell` is what the server says (language, words).
(() => {
  const TABS = ["classify", "match", "gallery", "learn", "model"];
  const told = window.clipAppShell;
  const root = document.documentElement;
  const stored = (key, value) => {
    try {
      if (value === undefined) return localStorage.getItem(`clip_app.${key}`);
      localStorage.setItem(`clip_app.${key}`, value);
    } catch { /* storage is blocked */ }
    return null;
  };
  const every = (selector) => [...document.querySelectorAll(selector)];

  // Address -------------------------------------------------------------------------------------
  const address = {
    get: () => {
      const given = Object.fromEntries(new URLSearchParams(location.search));
      return { ...given, tab: TABS.includes(given.tab) ? given.tab : TABS[0] };
    },
    // What is empty leaves the address; what is not named stays.
    set: (values, { push = false } = {}) => {
      const url = new URL(location.href);
      for (const [key, value] of Object.entries(values)) {
        if (value === "" || value === null || value === undefined) url.searchParams.delete(key);
        else url.searchParams.set(key, value);
      }
      if (url.href === location.href) return;
      history[push ? "pushState" : "replaceState"](history.state, "", url);
    },
  };

  // Language ------------------------------------------------------------------------------------
  const known = (tag) => ["zh", "en"].find((one) => one === (tag || "").toLowerCase().split(/[-_]/)[0]);
  const tags = navigator.languages?.length ? navigator.languages : [navigator.language];
  let language = known(address.get().lang) || known(stored("language")) || told.language
    || tags.map(known).find(Boolean) || "en";
  const word = (key) => told.words[key][language];

  // Gradio translates by `navigator.language` and misses plain `zh` and `zh-HK` (gradio issue
  // 11087). Its settings page changes the language through `changeLocale` of its `core` module;
  // the same function, found among the scripts the page has loaded, serves here. Should a later
  // Gradio lack it, the words of the server still follow the switch.
  const translate = async () => {
    const core = performance.getEntriesByType("resource")
      .map((entry) => entry.name).find((name) => /\/core-[\w-]+\.js$/.test(name));
    if (!core) return;
    const { changeLocale } = await import(core);
    if (changeLocale) await changeLocale(language === "zh" ? "zh-CN" : "en");
  };
  // Names that Gradio writes in English whatever the language; `{}` stands for anything.
  const escaped = (text) => text.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll("{}", "(.+)");
  const renames = Object.fromEntries([["en", 0], ["zh", 1]].map(([to, place]) => [
    to, told.names.flatMap((names) => names.filter((_, from) => from !== place)
      .map((from) => [new RegExp(`^${escaped(from)}$`), names[place]])),
  ]));
  const renamed = (name) => {
    const found = renames[language].find(([pattern]) => pattern.test(name));
    return found && found[0].exec(name).slice(1)
      .reduce((said, one) => said.replace("{}", () => one), found[1]);
  };
  // Where a file is dropped, Gradio writes its words once and leaves them in that language.
  const UPLOAD_TEXT = "[data-testid=upload-text], [data-testid=upload-text] .or";
  // Its folds tell those who do not see them neither that they are folds nor whether they are open.
  const folded = (one) => { one.ariaExpanded = String(one.classList.contains("open")); };
  const rename = (place) => {
    if (place.nodeType !== Node.ELEMENT_NODE) return;
    place.querySelectorAll(".label-wrap").forEach(folded);
    place.querySelectorAll(".label-wrap > .icon, .dropdown-arrow").forEach((one) => { one.ariaHidden = "true"; });
    for (const node of [...place.querySelectorAll(UPLOAD_TEXT)].flatMap((one) => [...one.childNodes])) {
      const wanted = node.nodeType === Node.TEXT_NODE && renamed(node.data.trim());
      if (wanted) node.data = ` ${wanted} `;
    }
    for (const one of [place, ...place.querySelectorAll("[aria-label], [title], .sr-only")]) {
      for (const attribute of ["aria-label", "title"]) {
        const now = one.getAttribute(attribute);
        const wanted = now && renamed(now);
        if (wanted && wanted !== now) one.setAttribute(attribute, wanted);
      }
      if (one.classList.contains("sr-only") && !one.children.length) {
        const wanted = renamed(one.textContent);
        if (wanted) one.textContent = wanted;
      }
    }
  };
  const speak = () => {
    rename(document.body);
    root.lang = language === "zh" ? "zh-CN" : "en";
    document.title = told.words.title[language];
    for (const input of every("[name=page-language]")) input.checked = input.value === language;
    for (const one of every("[data-name]")) one.setAttribute("aria-label", word(one.dataset.name));
    paintTheme();
    window.dispatchEvent(new Event("clipapp:language"));
  };

  // Theme ---------------------------------------------------------------------------------------
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themeNow = () => {
    const asked = address.get().__theme || stored("theme");
    return asked === "dark" || asked === "light" ? asked : "auto";
  };
  // Gradio sets the class on the body by the address or the system only; this one decides.
  const paintTheme = () => {
    const theme = themeNow();
    const wanted = theme === "auto" ? dark.matches : theme === "dark";
    for (const one of [root, document.body]) {
      if (one.classList.contains("dark") !== wanted) one.classList.toggle("dark", wanted);
    }
    for (const one of every(".masthead .theme")) {
      one.dataset.theme = theme;
      one.title = word(`theme_${theme}`);
      one.setAttribute("aria-label", word(`theme_${theme}`));
    }
  };
  const nextTheme = () => {
    const order = ["auto", "light", "dark"];
    address.set({ __theme: "" });
    stored("theme", order[(order.indexOf(themeNow()) + 1) % 3]);
    paintTheme();
  };

  // Tabs ----------------------------------------------------------------------------------------
  const listeners = { tab: [], address: [] };
  let ready = false;
  const current = () => document.body.dataset.tab;
  const paintTab = (tab) => {
    document.body.dataset.tab = tab;
    for (const one of every(".masthead [role=tab]")) {
      one.setAttribute("aria-selected", String(one.dataset.tab === tab));
      one.tabIndex = one.dataset.tab === tab ? 0 : -1;
    }
  };
  const show = (tab, { push = true } = {}) => {
    if (!TABS.includes(tab)) return;
    const moved = tab !== current();
    paintTab(tab);
    address.set({ tab: tab === TABS[0] ? "" : tab }, { push: push && moved });
    if (!moved) return;
    window.scrollTo(0, 0);
    if (ready) listeners.tab.forEach((fn) => fn(tab));
  };

  // As a link to the page's own address, without loading it again.
  const go = (values) => {
    address.set(values, { push: true });
    show(address.get().tab, { push: false });
    listeners.address.forEach((fn) => fn(address.get()));
  };

  window.clipApp = {
    show,
    go,
    address,
    lang: () => language,
    word,
    // Called with the key of the tab shown: now, if the page is ready, and whenever it changes.
    onTab: (fn) => { listeners.tab.push(fn); if (ready) fn(current()); },
    // Called with the address's values after Back, Forward (then the second is true) and a link
    // within the page.
    onAddress: (fn) => { listeners.address.push(fn); },
    // What Gradio calls once it is there: gives the language and the address to the server.
    opened: async () => {
      document.querySelector(".first-paint")?.remove();
      await translate();
      speak(); // Gradio has set a title of its own
      return [language, address.get()];
    },
    // ... and once the server has answered in that language.
    isReady: () => ready,
    ready: () => { if (!ready) { ready = true; listeners.tab.forEach((fn) => fn(current())); } },
    switched: async (chosen) => { await translate(); return chosen; },
    // The chip and the line under the header: {state, chip: {en, zh}, line: {en, zh}}.
    model: ({ state, chip, line }) => {
      const place = document.querySelector("#model-chip");
      place.dataset.state = state;
      const under = document.querySelector("#model-line");
      for (const one of ["en", "zh"]) {
        const [name, more] = chip[one];
        const written = place.querySelector(`.${one}`);
        const bold = document.createElement("b");
        bold.textContent = more ? ` · ${more}` : "";
        written.replaceChildren(name, bold);
      }
      under.replaceChildren(...["en", "zh"].map((one) => {
        const said = document.createElement("span");
        said.className = one;
        said.textContent = line[one];
        return said;
      }));
      under.hidden = !line.en;
    },
  };

  paintTab(address.get().tab);
  root.lang = language === "zh" ? "zh-CN" : "en";
  paintTheme();
  new MutationObserver(paintTheme).observe(document.body, { attributeFilter: ["class"] });
  dark.addEventListener("change", paintTheme);
  new MutationObserver((changes) => {
    for (const change of changes) {
      const { target, type } = change;
      const place = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
      if (type === "childList") change.addedNodes.forEach(rename);
      if (type === "attributes" || place?.classList.contains("sr-only")) rename(place);
    }
  }).observe(document.body, {
    subtree: true, childList: true, characterData: true, attributeFilter: ["aria-label", "title"],
  });

  // Called where the header ends: what follows, Gradio's settings and scripts, takes seconds on a
  // slow line, in which it had no tab chosen and the model no name.
  window.clipApp.begin = () => {
    paintTab(current());
    speak();
    const bar = document.querySelector(".masthead");
    window.clipApp.model(told.model);
    bar.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab) show(tab.dataset.tab);
      else if (event.target.closest(".chip")) show("model");
      else if (event.target.closest(".theme")) nextTheme();
      else if (event.target.closest(".home")) { event.preventDefault(); show(TABS[0]); }
    });
    bar.querySelector(".tabs").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const here = TABS.indexOf(current());
      const next = step ? TABS.at((here + step) % TABS.length)
        : { Home: TABS[0], End: TABS.at(-1) }[event.key];
      if (!next) return;
      event.preventDefault();
      show(next);
      bar.querySelector(`[data-tab=${next}]`).focus();
    });
    bar.querySelector(".languages").addEventListener("change", (event) => {
      language = event.target.value;
      stored("language", language);
      address.set({ lang: language });
      speak();
      // Gradio's own switch, which handlers follow, lies hidden in its page.
      document.querySelector(`#language input[value=${language}]`)?.click();
    });
  };
  // A file that is dropped beside what takes it would be opened in the place of the page.
  for (const type of ["dragover", "drop"]) {
    window.addEventListener(type, (event) => {
      if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    });
  }
  document.addEventListener("click", ({ target }) => {
    const fold = target.closest(".label-wrap");
    if (fold) requestAnimationFrame(() => folded(fold));
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="?"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(Object.fromEntries(new URLSearchParams(link.getAttribute("href"))));
  });
  window.addEventListener("popstate", () => {
    const now = address.get();
    if (known(now.lang) && known(now.lang) !== language) {
      language = known(now.lang);
      speak();
      document.querySelector(`#language input[value=${language}]`)?.click();
    }
    show(now.tab, { push: false });
    listeners.address.forEach((fn) => fn(now, true));
  });
})();

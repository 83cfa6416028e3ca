// Labels as chips. `props.value` is the text that is asked: every chip, and what is being typed.
// Everything a person types is data: it reaches the page by textContent only.
const PAUSE = 400; // ms after the last key
const LONGEST = 1500; // letters in the address; some servers take 4,096
const FOLD = 60; // more chips than this are one, with their number
const field = find('.field');
const list = find('.list');
const entry = find('.entry');
const plain = find('.plain');
const area = find('textarea');
const asText = find('.as-text');

let labels = [];
let flights = []; // pasted texts that the server is taking apart
let raw = null; // the text itself while it is edited as one
let source = null; // {kind: 'example' | 'auto' | 'set', key} while the words are not a person's own
let undo = null;
let said = null; // [key of the sentence, its values, key of the button, what that does]
let poor = [];
let version = 0; // of what a person did: an answer to an earlier state is late
let timer = 0;

// ---- what is asked
const current = () => {
  if (raw !== null) return raw;
  const typing = [...flights, entry.value.trim()].filter(Boolean);
  if (labels.some(odd)) return joined([...labels, ...typing]);
  return [joined(labels), ...typing].filter(Boolean).join('\n');
};
const untouched = () =>
  raw === null && !flights.length && !entry.value.trim() && (!labels.length || ['example', 'auto'].includes(source?.kind));

const split = (text) =>
  UNCLEAR.test(text) ? server.split_typed(text) : Promise.resolve([text.trim()].filter(Boolean));
const added = (found) => {
  const there = new Map(labels.map((one, index) => [folded(one), index]));
  let again = -1;
  for (const one of found) {
    const index = there.get(folded(one));
    if (index !== undefined) again = index;
    else there.set(folded(one), labels.push(one) - 1);
  }
  return again;
};

// ---- the last words of a visitor's own, kept in this browser
const kept = (words) => {
  try {
    if (words) localStorage.setItem('clip_app.labels', JSON.stringify(words));
    return JSON.parse(localStorage.getItem('clip_app.labels') ?? '[]');
  } catch {
    return []; // storage is blocked
  }
};
const last = kept(); // of the visit before this one

// ---- telling the page
const tellValue = () => {
  const detail = { id: props.name, value: props.value };
  window.dispatchEvent(new CustomEvent('clipapp:stale', { detail }));
};
const ask = (wait) => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    // Before the server knows the language it would answer a Chinese visitor in English.
    if (!window.clipApp.isReady()) return ask(PAUSE);
    // What the address brings anyhow: a set, or the words of the example that it names.
    const shown = window.clipApp.address.get().photo || props.examples[0].name;
    const brought = source && (source.kind !== 'example' || props.examples[source.key].name === shown);
    const text = props.value ?? ''; // of an address it is there before the chips are
    const typed = brought || text.length > LONGEST ? '' : text;
    if (!source && typed && labels.length) kept(labels);
    if (!props.alone) window.clipApp.address.set({ labels: typed, set: source?.kind === 'set' ? source.key : '' });
    trigger('submit');
  }, wait);
};
// Whoever waits for an answer hears of every change, also of one that asks for none itself.
const store = () => {
  props.value = current();
  if (raw === null) area.value = props.value;
  tellValue();
};
const changed = (wait) => {
  version += 1;
  store();
  draw();
  ask(wait);
};
const touched = (wait, text = null) => {
  raw = text;
  source = raw === null && !flights.length && !entry.value.trim() ? known(labels) : null;
  said = null;
  undo = null;
  changed(wait);
};
const replaced = (words, from, { sentence = null } = {}) => {
  const before = { labels, flights, raw, typed: entry.value, source };
  const own = !untouched() && source?.kind !== 'set';
  labels = [...words];
  flights = [];
  raw = null;
  entry.value = '';
  source = from;
  undo = own && sentence ? before : null;
  said = undo ? [sentence, { name: nameOf(from) }, 'undo', restore] : null;
  changed(0);
};
const restore = () => {
  ({ labels, flights, raw, source } = undo);
  entry.value = undo.typed;
  area.value = raw ?? '';
  undo = said = null;
  changed(0);
  entry.focus();
};
const nameOf = (from) =>
  from?.kind === 'set' ? setOf(from.key).names[language()] : say(from ? 'example_words' : 'set_last');
const chosen = () => (['set', 'auto'].includes(source?.kind) ? setOf(source.key) : null);

const commit = async (text) => {
  if (!text.trim()) return;
  if (!UNCLEAR.test(text)) {
    const again = added([text.trim()]);
    touched(0);
    if (again >= 0) flash(again);
    return;
  }
  flights.push(text);
  touched(0);
  const found = await split(text).catch(() => []);
  if (!flights.includes(text)) return; // replaced or undone meanwhile
  flights = flights.filter((one) => one !== text);
  added(found);
  const before = props.value;
  store();
  draw();
  if (props.value !== before) ask(0); // the answer under way is to the text as it was pasted
};

// ---- what a person does
entry.addEventListener('keydown', (event) => {
  if (event.isComposing || event.keyCode === 229) return; // Enter chooses among the words of an IME
  if (event.key === 'Enter') {
    event.preventDefault();
    const text = entry.value;
    entry.value = '';
    if (text.trim()) commit(text);
    else ask(0);
  } else if (event.key === 'Backspace' && !entry.value && labels.length) {
    if (labels.length > FOLD) return cleared();
    labels.pop();
    touched(0);
  } else if (event.key === 'ArrowLeft' && entry.selectionEnd === 0) {
    roved([...list.querySelectorAll('.edit')].at(-1));
  }
});
const typed = () => {
  const text = entry.value;
  const open = (text.match(/"/g) ?? []).length % 2 || /[“「『«][^”」』»]*$/.test(text);
  if (SEPARATORS.test(text) && !open) {
    entry.value = '';
    commit(text.replace(ENDS, ''));
  } else {
    touched(PAUSE);
  }
};
entry.addEventListener('input', (event) => event.isComposing || typed());
entry.addEventListener('compositionend', typed);
entry.addEventListener('paste', (event) => {
  const text = event.clipboardData?.getData('text') ?? '';
  if (!SEPARATORS.test(text.trim())) return;
  event.preventDefault();
  commit(text);
});
field.addEventListener('click', (event) => event.target === field && entry.focus());
area.addEventListener('input', async (event) => {
  if (event.isComposing) return;
  labels = [];
  flights = [];
  entry.value = '';
  touched(PAUSE, area.value);
  const now = version;
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  if (now !== version) return;
  const found = await split(area.value).catch(() => []);
  if (now !== version) return;
  added(found);
  source = known(labels);
  draw();
});
area.addEventListener('compositionend', () => area.dispatchEvent(new Event('input')));
onClick(asText, () => unfold(plain.classList.contains('folded')));
find('.said button').addEventListener('click', () => said?.[3]());

// ---- what the rest of the page does
const read = async (text) => {
  const ours = [...props.examples, ...props.sets].flatMap((one) => Object.values(one.labels));
  return ours.find((words) => joined(words) === text) ?? server.split_typed(text).catch(() => []);
};
const taken = async () => {
  // Words that came from elsewhere: the page when it opens.
  const now = version;
  const text = props.value ?? '';
  tellValue(); // a photograph that came by the same address has told of no words
  const found = text ? await read(text) : [];
  if (now !== version) return;
  labels = [...found];
  source = known(labels);
  area.value = text;
  draw();
};
window.addEventListener('clipapp:photo', ({ detail }) => {
  if (props.alone) return;
  const index = detail.example;
  const own = detail.linked && window.clipApp.address.get().labels; // it brings its words
  if (!detail.there || own) return ask(0);
  if (index >= 0 && untouched()) {
    replaced(exampleWords(index, language()), { kind: 'example', key: index });
  } else if (untouched()) {
    replaced(setOf(props.first).labels[language()], { kind: 'auto', key: props.first });
  } else if (index >= 0) {
    const words = exampleWords(index, language());
    const from = { kind: 'example', key: index };
    const take = () => replaced(words, from, { sentence: 'replaced' });
    said = ['example_offers', { words: words.join(language() === 'zh' ? '、' : ', ') }, 'example_take', take];
    draw();
  }
  ask(0);
});
// A label comes, goes, or has another name, as the part that teaches says.
window.addEventListener('clipapp:label', ({ detail: { add, put, remove } }) => {
  if (props.alone) return;
  const at = labels.findIndex((one) => remove && folded(one) === folded(remove));
  if (at >= 0) labels.splice(at, 1, ...(put ? [put] : []));
  const again = add ? added([add]) : -1;
  if (add || at >= 0) touched(0);
  if (again >= 0) flash(again);
});
window.addEventListener('clipapp:taught', () => draw(true));
const follow = () => {
  if (source && !entry.value) {
    labels = [...wordsOf(source, language())];
    store();
  }
  draw();
};
window.addEventListener('clipapp:language', follow);
// Back, Forward, and the links of the page itself. An address without words says nothing of them:
// long lists are not in it.
window.clipApp.onAddress(async ({ tab, labels: text = '', set }) => {
  if (props.alone || tab !== 'classify' || text === current()) return;
  const now = version;
  const words = text ? await read(text) : setOf(set)?.labels[language()];
  if (words?.length && now === version && !same(words, labels)) replaced(words, known(words));
});
const weigh = () => server.poor_sets().then((keys) => {
  poor = keys;
  draw();
});
watch('value', taken);
window.clipApp.onTab((tab) => tab === 'classify' && weigh());
// What is set before Gradio has finished making the component is lost.
setTimeout(() => {
  if (props.alone) return weigh();
  const linked = window.clipApp.address.get();
  const words = setOf(linked.set)?.labels ?? props.examples[0].labels;
  props.value = linked.labels || (!linked.set && props.value) || joined(words[language()]);
  taken();
  weigh();
});
draw();

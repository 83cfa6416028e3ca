// What stands in the fields; `props.value` says what the answer shown was asked with.
const root = element.querySelector('.result');
const at = (name) => root.querySelector('.' + name);
const list = at('list');
const CHUNK = 200; // rows made at once when all are shown: 40 ms, and 2.4 s for 10,000
let value = null;
let bars = [];
let touched = false; // by a change that says no value to compare
const told = {}; // what inputs hold that cannot be read where they are, by id
const PAUSE = 400; // ms after the last key
let pause = 0;
let drawn = 0;
let looking = false; // whether a bar is pressed
let turn = Date.now(); // of the last bar that was; more than any before, also in a card made anew

function put(name, words) {
  const node = at(name);
  if (node.textContent !== (words || '')) node.textContent = words || '';
}

// ---- older than its inputs ----

const plain = (address) => {
  const slashes = address.replaceAll('\\', '/');
  try { return decodeURIComponent(slashes); } catch { return slashes; }
};

function holds(id, asked) {
  if (id in told) return told[id] === asked;
  const node = document.getElementById(id);
  const field = node?.querySelector('[data-testid="textbox"]');
  if (field) return field.value === asked.replaceAll('\r\n', '\n');
  if (!node || id !== props.photo) return true;
  const picture = node.querySelector('img[src]');
  if (!asked || !picture) return !asked === !picture;
  return [picture.src, plain(picture.src)].some((src) => src.includes(plain(asked)));
}

function check() {
  if (!value) return;
  const held = Object.entries(value.asked).every(([id, asked]) => holds(id, asked));
  // What says that something is missing has nothing that could be taken for new.
  const stale = bars.length > 0 && (touched || !held || value.state === 'running');
  root.classList.toggle('stale', stale);
  root.setAttribute('aria-busy', stale);
  for (const button of root.querySelectorAll('.actions button')) button.disabled = stale;
  if (stale) unlook();
}

const watched = () => props.watched.map((id) => document.getElementById(id)).filter(Boolean);

function changed(event) {
  const node = watched().find((one) => one.contains(event.target));
  if (!node) return;
  if (!(node.id in (value?.asked ?? {}))) touched = true;
  check();
  // A field that is left tells of a change that `input` has told of before.
  if (event.type === 'change' || event.isComposing || !event.target.matches('[data-testid="textbox"]')) return;
  clearTimeout(pause);
  pause = setTimeout(() => trigger('submit'), PAUSE);
}
// The last of what an input method types is told by `compositionend` alone.
for (const type of ['input', 'change', 'drop', 'compositionend']) document.addEventListener(type, changed, true);

window.addEventListener('clipapp:stale', ({ detail }) => {
  const id = detail.id ?? detail;
  if (!props.watched.includes(id)) return;
  if ('value' in Object(detail)) told[id] = detail.value;
  else touched = true;
  check();
});

// A photograph is changed by dropping, pasting or clicking one: what is seen of it all is the picture.
const pictures = new MutationObserver(check);
function observe() {
  const node = document.getElementById(props.photo);
  if (node) pictures.observe(node, { subtree: true, childList: true, attributes: true, attributeFilter: ['src'] });
}

// ---- bars ----

function row(bar, number, total) {
  const cosine = bar.similarity.toFixed(3);
  const button = make('button', {
    type: 'button',
    className: 'row',
    tabIndex: number === 0 ? 0 : -1,
    title: bar.label,
    ariaLabel: `${bar.label} ${bar.shown}, ${value.words.cosine} ${cosine}`,
    ariaPressed: 'false',
  });
  button.style.setProperty('--hue', `var(--label-${bar.hue})`);
  const fill = make('span', { className: 'fill' });
  fill.style.width = `${100 * bar.width}%`;
  button.append(
    make('span', { className: 'name' }, bar.label),
    make('span', { className: 'track' }, fill),
    make('span', { className: 'score' }, bar.shown),
    make('span', { className: 'cosine' }, decimal(bar.similarity)),
  );
  const place = { role: 'listitem', ariaPosInSet: number + 1, ariaSetSize: total };
  return make('li', place, button);
}

function draw(upTo) {
  const rows = document.createDocumentFragment();
  for (; drawn < Math.min(upTo, bars.length); drawn += 1) rows.append(row(bars[drawn], drawn, bars.length));
  list.append(rows);
}

const rows = () => [...list.querySelectorAll('.row')];

function focusRow(number) {
  if (number >= drawn && at('bars').classList.contains('all')) draw(number + CHUNK);
  const all = rows();
  const next = all[Math.max(0, Math.min(number, all.length - 1))];
  for (const one of all) one.tabIndex = one === next ? 0 : -1;
  next.focus();
}

list.addEventListener('keydown', (event) => {
  const here = rows().indexOf(event.target);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: drawn - 1 }[event.key];
  if (here < 0 || to === undefined) return;
  event.preventDefault();
  focusRow(to);
});

list.addEventListener('click', (event) => {
  const chosen = event.target.closest('.row');
  if (!chosen) return;
  const all = rows();
  for (const one of all) one.tabIndex = one === chosen ? 0 : -1;
  if (chosen.getAttribute('aria-pressed') === 'true') return unlook();
  looking = true;
  press(chosen);
  const { label } = bars[all.indexOf(chosen)];
  tell('look', { card: props.name, label });
  turn += 1;
  trigger('select', { label, turn });
});

// ---- where it looked: a bar is pressed while its map lies on the photograph ----

function tell(name, detail) {
  window.dispatchEvent(new CustomEvent(`clipapp:${name}`, { detail }));
}

function press(chosen) {
  for (const one of rows()) one.setAttribute('aria-pressed', String(one === chosen));
}

function unlook() {
  if (looking) tell('look-stop', props.name);
}

window.addEventListener('clipapp:look-stop', ({ detail }) => {
  if (detail !== props.name) return;
  looking = false;
  press(null);
});

at('more').addEventListener('click', () => {
  at('bars').classList.add('all');
  at('more').hidden = true;
  const first = drawn;
  draw(drawn + CHUNK);
  focusRow(first);
});

at('bars').addEventListener('scroll', (event) => {
  const { scrollTop, clientHeight, scrollHeight } = event.target;
  if (drawn < bars.length && scrollTop + 3 * clientHeight > scrollHeight) draw(drawn + CHUNK);
});

at('stop').addEventListener('click', () => trigger('stop'));

at('about').addEventListener('click', () => {
  const explained = root.querySelector('.none .explained');
  explained.hidden = !explained.hidden;
  at('about').setAttribute('aria-expanded', !explained.hidden);
});

function showAnswer() {
  const { words } = value;
  put('look', words.look);
  put('head-score', words.score);
  put('head-cosine', words.cosine);
  put('of', value.of);
  put('advice', value.advice);
  put('told', '');
  list.setAttribute('aria-label', words.scores);
  at('bars').classList.remove('all');
  at('bars').scrollTop = 0;
  list.replaceChildren();
  drawn = 0;
  draw(value.limit);
  at('more').hidden = drawn >= bars.length;
  put('more', value.more);
  const none = at('none');
  none.hidden = !value.chance;
  if (value.chance) {
    none.querySelector('.name').textContent = words.none;
    none.querySelector('.score').textContent = value.chance.shown;
    none.querySelector('.fill').style.width = `${100 * value.chance.width}%`;
    none.querySelector('.explained').textContent = value.chance.explained;
    at('about').setAttribute('aria-label', words.none_what);
  }
  root.querySelector('.how summary').textContent = words.how;
  root.querySelector('.how div').replaceChildren(...value.said.map((sentence) => make('p', {}, sentence)));
  for (const name of ['png', 'copy', 'csv']) put(name, words[name]);
  // Pictures go to the clipboard only where the address is https or this machine.
  at('copy').hidden = !(navigator.clipboard && window.ClipboardItem);
}

function show() {
  if (!props.value) return;
  unlook();
  value = props.value;
  touched = false;
  observe();
  const answered = value.state === 'fits' || value.state === 'none';
  const running = value.state === 'running';
  root.dataset.state = value.state;
  at('run').hidden = !running;
  if (running) {
    const percent = value.total ? Math.round((100 * value.done) / value.total) : 0;
    at('line').firstElementChild.style.width = `${percent}%`;
    at('line').setAttribute('aria-valuenow', percent);
    at('line').setAttribute('aria-label', value.sentence);
    put('reading', value.sentence);
    put('stop', value.words.stop);
    return check();
  }
  root.dataset.about = value.about;
  root.dataset.sure = value.is ? 'yes' : 'no';
  at('answer').hidden = !answered;
  bars = JSON.parse(value.bars || '[]');
  put('headline', value.headline);
  put('sure', value.sure);
  put('hint', answered ? '' : value.sentence);
  put('sentence', answered ? value.sentence : '');
  at('notices').replaceChildren(...(value.notices || []).map((sentence) => make('p', { className: 'notice' }, sentence)));
  if (answered) showAnswer();
  check();
}

// ---- to take away ----

function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Spreadsheets run cells that begin like a formula; a leading quote makes them text.
const cell = (words) => `"${(/^[=+\-@\t\r]/.test(words) ? `'${words}` : words).replaceAll('"', '""')}"`;

at('csv').addEventListener('click', () => {
  const kind = value.about === 'texts' ? 'text' : 'label';
  const lines = bars.map((bar) => [cell(bar.label), bar.score, bar.similarity].join(','));
  const table = ['\ufeff' + kind + ',score,similarity', ...lines, ''].join('\r\n');
  save(new Blob([table], { type: 'text/csv' }), 'clip-result.csv');
});

at('png').addEventListener('click', async () => save(await picture(), 'clip-result.png'));
at('copy').addEventListener('click', async () => {
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture() })]);
    put('told', value.words.copied);
  } catch {
    put('told', value.words.copy_failed);
  }
});

const WIDTH = 1200;
const HEIGHT = 630;

function picture() {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = canvas.getContext('2d');
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const font = (size, weight) => { pen.font = `${weight} ${size}px ${style.fontFamily}`; };
  const photo = document.getElementById(props.photo)?.querySelector('img');
  pen.fillStyle = colour('paper');
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  let left = 48;
  if (photo?.naturalWidth) {
    const frame = { x: 40, y: 40, width: 480, height: HEIGHT - 80 };
    drawCovering(pen, photo, frame);
    left = frame.x + frame.width + 40;
  }
  const right = WIDTH - 48;
  pen.textBaseline = 'alphabetic';
  pen.fillStyle = colour('ink');
  font(34, 700);
  let y = 48;
  for (const line of wrapped(pen, value.headline, right - left, 2)) pen.fillText(line, left, (y += 44));
  if (value.sure) {
    font(24, 600);
    pen.fillStyle = colour(value.is ? 'good' : 'muted');
    pen.fillText(value.sure, left, (y += 38));
  }
  y += 30;
  const best = bars.slice(0, value.about === 'texts' ? 4 : 6);
  const grey = value.state === 'none';
  const step = Math.min(70, (HEIGHT - 110 - y) / (best.length + (value.chance ? 1 : 0)));
  for (const bar of best) {
    drawBar(pen, { ...bar, name: bar.label, paint: grey ? colour('muted') : colour(`label-${bar.hue}`), alpha: grey ? 0.55 : 1 }, { left, right, y, step });
    y += step;
  }
  if (value.chance) drawBar(pen, { ...value.chance, name: value.words.none, paint: hatched(pen, colour('muted')) }, { left, right, y, step });
  font(20, 400);
  pen.fillStyle = colour('muted');
  pen.fillText(cutTo(pen, value.model, right - left), left, HEIGHT - 70);
  pen.fillText(cutTo(pen, value.title, right - left), left, HEIGHT - 42);
  return new Promise((done) => canvas.toBlob(done, 'image/png'));

  function drawBar(on, bar, place) {
    const size = Math.min(22, place.step * 0.36);
    font(size, 600);
    on.fillStyle = colour('ink');
    const score = on.measureText(bar.shown).width;
    on.fillText(cutTo(on, bar.name, place.right - place.left - score - 24), place.left, place.y + size);
    on.textAlign = 'right';
    on.fillText(bar.shown, place.right, place.y + size);
    on.textAlign = 'left';
    const height = Math.max(8, place.step * 0.3);
    const top = place.y + size + 8;
    on.fillStyle = colour('line');
    on.beginPath();
    on.roundRect(place.left, top, place.right - place.left, height, 6);
    on.fill();
    on.fillStyle = bar.paint;
    on.globalAlpha = bar.alpha ?? 1;
    on.beginPath();
    on.roundRect(place.left, top, Math.max(3, (place.right - place.left) * bar.width), height, 6);
    on.fill();
    on.globalAlpha = 1;
  }
}

function drawCovering(pen, photo, frame) {
  const scale = Math.max(frame.width / photo.naturalWidth, frame.height / photo.naturalHeight);
  const width = frame.width / scale;
  const height = frame.height / scale;
  pen.save();
  pen.beginPath();
  pen.roundRect(frame.x, frame.y, frame.width, frame.height, 24);
  pen.clip();
  pen.drawImage(photo, (photo.naturalWidth - width) / 2, (photo.naturalHeight - height) / 2, width, height, frame.x, frame.y, frame.width, frame.height);
  pen.restore();
}

function hatched(pen, colour) {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 12;
  const on = tile.getContext('2d');
  on.strokeStyle = colour;
  on.lineWidth = 4;
  for (const shift of [-12, 0, 12]) {
    on.moveTo(shift, 12);
    on.lineTo(shift + 12, 0);
  }
  on.stroke();
  return pen.createPattern(tile, 'repeat');
}

function cutTo(pen, words, width) {
  if (pen.measureText(words).width <= width) return words;
  let kept = [...words];
  while (kept.length && pen.measureText(kept.join('') + '…').width > width) kept = kept.slice(0, -1);
  return kept.join('') + '…';
}

// Lines of at most `width`, broken at spaces or anywhere in Chinese; the last may end in "…".
function wrapped(pen, words, width, most) {
  const lines = [''];
  for (const piece of words.match(/[\x21-\u02ff]+\s*|[^\x21-\u02ff]/gu) || []) {
    if (lines.at(-1) && pen.measureText(lines.at(-1) + piece).width > width && lines.length < most) lines.push('');
    lines[lines.length - 1] += piece;
  }
  return lines.map((line) => cutTo(pen, line.trim(), width));
}

watch('value', show);
show();

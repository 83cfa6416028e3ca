const NONE = -1;
const root = find('.batch');
const go = find('.go');
const halt = find('.halt');
const together = find('#batch-together');
const viewer = find('.viewer');
const filters = find('.filters');
const { show: showPhotos } = uploads(find('.up'));

// Whether other things would be asked now than the run was asked.
const older = ({ asked }) =>
  window.clipApp.asked && JSON.stringify(asked) !== JSON.stringify([...window.clipApp.asked, together.checked]);
let shownRun = 0;
let labels = [];
let written = []; // the rows as they came, and as they are
let rows = [];
let tiles = [];
let groups = new Map();
let only = null;
let open = null;
let taken = ''; // the archive that was downloaded last

const run = () => props.value.run;
const groupOf = ([, , verdict, scores, corrected]) =>
  corrected ?? (verdict === 'none' ? NONE : scores[0][0]);
const nameOf = (label) => (label === NONE ? say('batch_nothing') : labels[label]);

const described = ([name, , verdict, scores, corrected]) => {
  const [first, second] = scores.map(([label, score]) => ({
    label: labels[label],
    score: percent(score),
  }));
  const then = second ? say('batch_then', second) : '';
  const said = say(`batch_${verdict}`, first);
  const moved = corrected === null ? '' : say('batch_moved_to', { label: nameOf(corrected) });
  return { name, said, then, whole: [name, said, then, moved].filter(Boolean).join(' · ') };
};

const fillTile = (tile, row) => {
  const { said, then, whole, name } = described(row);
  const button = tile.firstChild;
  button.ariaLabel = whole;
  button.children[1].textContent = row[2] === 'fits' ? percent(row[3][0][1]) : '';
  button.children[2].replaceChildren(
    make('b', {}, name), make('span', {}, said), make('span', {}, then));
  tile.classList.toggle('moved', row[4] !== null);
};

const makeTile = (row, number) => {
  const picture = make('img', { loading: 'lazy', decoding: 'async', alt: '', src: served(row[1]) });
  const button = make('button', { type: 'button', className: 'tile' }, picture,
    make('span', { className: 'score' }), make('span', { className: 'more' }));
  button.addEventListener('click', () => show(number));
  const tile = make('li', {}, button);
  fillTile(tile, row);
  return tile;
};

const makeGroup = (key) => {
  const heading = make('h4');
  const list = make('ul', { className: 'tiles' });
  const teach = make('button', { type: 'button', className: 'pill teach', ariaLabel: say('batch_teach_group', { label: nameOf(key) }) }, say('batch_teach'));
  teach.addEventListener('click', () => trigger('teach', {
    photos: [...list.children].map((one) => tiles.indexOf(one)), name: key === NONE ? '' : labels[key].replace(/^[@＠]/, '') }));
  const section = make('section', { className: key === NONE ? 'group none' : 'group' }, heading, list, teach);
  const chip = make('button', { type: 'button', className: 'pill chip' });
  chip.addEventListener('click', () => filter(only === key ? null : key));
  section.style.setProperty('--own', key === NONE ? 'var(--muted, #5d5a66)' : colour(key));
  chip.style.setProperty('--own', section.style.getPropertyValue('--own'));
  const group = { key, section, list, heading, chip };
  // In the order of the labels, those that nothing fits last.
  const later = [...groups.values()]
    .filter((one) => key !== NONE && (one.key === NONE || one.key > key))
    .sort((one, other) => (one.key === NONE) - (other.key === NONE) || one.key - other.key)[0];
  find('.groups').insertBefore(section, later?.section ?? null);
  filters.insertBefore(chip, later?.chip ?? filters.querySelector('.chip-moved'));
  groups.set(key, group);
  return group;
};

const place = (number) => {
  const key = groupOf(rows[number]);
  const { list } = groups.get(key) ?? makeGroup(key);
  // Where it stands among the others of its group, which are in the order of the files.
  const after = [...list.children].find((one) => tiles.indexOf(one) > number);
  list.insertBefore(tiles[number], after ?? null);
};

const filter = (key) => {
  only = key;
  for (const group of groups.values()) {
    group.section.hidden =
      group.list.childElementCount === 0 || (typeof only === 'number' && only !== group.key);
    group.chip.hidden = group.list.childElementCount === 0;
    group.chip.ariaPressed = String(only === group.key);
  }
  root.classList.toggle('only-moved', only === 'moved');
  filters.querySelector('.chip-all').ariaPressed = String(only === null);
  filters.querySelector('.chip-moved').ariaPressed = String(only === 'moved');
};

const counted = () => {
  for (const { key, section, heading, chip, list } of groups.values()) {
    const count = list.childElementCount;
    const dot = make('i', { className: 'dot' });
    section.style.setProperty('--count', count);
    const name = make('span', { title: nameOf(key) }, nameOf(key));
    heading.replaceChildren(dot, name, ' ', make('small', {}, String(count)));
    list.nextElementSibling.hidden = run().state === 'running';
    chip.replaceChildren(dot.cloneNode(), nameOf(key), ' ', make('small', {}, String(count)));
  }
  const moved = rows.filter((row) => row[4] !== null).length;
  const [all, changed] = ['.chip-all', '.chip-moved'].map((one) => filters.querySelector(one));
  all.replaceChildren(say('batch_all'), ' ', make('small', {}, String(rows.length)));
  changed.replaceChildren(say('batch_moved'), ' ', make('small', {}, String(moved)));
  changed.hidden = !moved;
  filters.hidden = !rows.length;
  const emptied = typeof only === 'number' && !groups.get(only)?.list.childElementCount;
  filter(emptied || (only === 'moved' && !moved) ? null : only);
};

const startAgain = () => {
  labels = JSON.parse(run()?.labels ?? '[]');
  written = [];
  rows = [];
  tiles = [];
  groups = new Map();
  only = null;
  find('.groups').replaceChildren();
  const all = make('button', { type: 'button', className: 'pill chip chip-all' });
  const moved = make('button', { type: 'button', className: 'pill chip chip-moved' });
  all.addEventListener('click', () => filter(null));
  moved.addEventListener('click', () => filter(only === 'moved' ? null : 'moved'));
  filters.replaceChildren(all, moved);
  filters.ariaLabel = say('batch_filters');
};

/** Bring the tiles up to the value: those that are new are added, those that moved are moved. */
const showRows = () => {
  const known = rows.length;
  const now = run()?.rows ?? [];
  for (let number = 0; number < now.length; number += 1) {
    if (now[number] === written[number]) continue;
    written[number] = now[number];
    rows[number] = JSON.parse(now[number]);
    if (number >= known) {
      tiles.push(makeTile(rows[number], number));
      const key = groupOf(rows[number]);
      (groups.get(key) ?? makeGroup(key)).list.append(tiles[number]);
    } else {
      fillTile(tiles[number], rows[number]);
      place(number);
    }
  }
  counted();
};

const time = (seconds) =>
  seconds < 90
    ? say('batch_seconds', { number: Math.ceil(seconds) })
    : say('batch_minutes', { number: Math.round(seconds / 60) });

const showState = () => {
  const { photos, error, changed } = props.value;
  const now = run();
  const running = now?.state === 'running';
  const done = now ? now.rows.length + now.broken.length : 0;
  const rate = done / (now?.seconds || 1);
  const stale = Boolean(now) && !running && Boolean(changed || older(now));
  const values = {
    done,
    total: now?.total,
    rate: rate >= 10 ? Math.round(rate) : rate.toFixed(1),
    left: time((now?.total - done) / (rate || 1)),
    time: time(now?.seconds ?? 0),
  };
  const key = { running: done ? 'batch_running' : 'batch_starting', done: 'batch_done',
    stopped: 'batch_stopped' }[now?.state];
  find('.state').textContent = key ? say(key, values) : '';
  find('.line').hidden = !running;
  find('.line i').style.width = `${(100 * done) / (now?.total || 1)}%`;
  go.textContent = say(now ? 'batch_again' : 'batch_button');
  go.hidden = running;
  go.disabled = !photos.count;
  go.classList.toggle('first', !now || stale);
  halt.textContent = say('batch_stop');
  halt.hidden = !running;
  root.classList.toggle('stale', stale);
  find('.stale-said').hidden = !stale;
  find('.stale-said').textContent = stale ? say('batch_stale') : '';
  find('.error').hidden = !error;
  find('.error').textContent = error ? both(error) : '';
  const broken = now?.broken ?? [];
  const fold = find('.broken');
  fold.hidden = !broken.length;
  if (broken.length && !running && !now.rows.length) fold.open = true;
  fold.firstChild.textContent =
    say('batch_broken', { count: broken.length });
  fold.lastChild.replaceChildren(...broken.map((one) => make('li', {}, both(one))));
};

const inSight = () => [...element.querySelectorAll('.group:not([hidden]) .tile')]
  .filter((one) => one.offsetParent);

const step = (by) => {
  const sight = inSight();
  const next = sight[sight.indexOf(tiles[open].firstChild) + by];
  if (next) show(tiles.indexOf(next.parentElement));
};

const button = (key, does, text) => {
  const made = make('button', { type: 'button', className: 'pill', ariaLabel: say(key) }, text);
  made.title = say(key);
  made.addEventListener('click', does);
  return made;
};

/** Open a photograph with its scores, and a menu to move it to another group. */
const show = (number) => {
  open = number;
  const [name, picture, verdict, scores, corrected] = rows[number];
  const none = verdict === 'none';
  const bars = scores.map(([label, score, cosine]) => {
    const fill = make('i');
    fill.style.cssText = `width:${100 * score}%;background:${none ? 'var(--muted, #5d5a66)' : colour(label)}`;
    return make('li', {}, make('span', { className: 'label' }, labels[label]),
      make('span', { className: 'track' }, fill), make('b', {}, percent(score)),
      make('small', { title: say('column_similarity') }, decimal(cosine)));
  });
  const rest = labels.length - scores.length;
  const choice = make('select', { id: 'batch-move' });
  const judged = nameOf(none ? NONE : scores[0][0]);
  choice.append(new Option(say('batch_as_judged', { label: judged }), ''));
  labels.forEach((label, position) => choice.append(new Option(label, position)));
  choice.append(new Option(say('batch_nothing'), NONE));
  choice.value = corrected === null ? '' : String(corrected);
  choice.addEventListener('change', () =>
    trigger('correct', { photo: number, label: choice.value === '' ? null : Number(choice.value) }));
  const heading = make('h4', {}, ...breakable(name));
  viewer.replaceChildren(
    make('div', { className: 'head' }, heading,
      button('batch_previous', () => step(-1), '←'), button('batch_next', () => step(1), '→'),
      button('batch_close', () => viewer.close(), '×')),
    make('div', { className: 'body' },
      make('img', { src: served(picture), alt: name }),
      make('div', {},
        ...(verdict === 'fits' ? [] : [make('p', { className: 'told' }, say(none ? 'batch_nothing' : 'verdict_unsure_why'))]),
        make('ul', { className: 'bars' }, ...bars),
        ...(rest > 0 ? [make('p', { className: 'rest' },
          say('batch_rest', { count: rest, score: percent(scores.at(-1)[1]) }))] : []),
        make('label', { className: 'move' }, say('batch_move'), choice))));
  viewer.ariaLabel = name;
  if (!viewer.open) viewer.showModal();
};

viewer.addEventListener('keydown', (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && event.target.tagName !== 'SELECT') step(by);
});
viewer.addEventListener('click', (event) => {
  if (event.target === viewer) viewer.close();
});
viewer.addEventListener('close', () => tiles[open]?.firstChild.focus());

go.addEventListener('click', () => {
  go.disabled = true;
  trigger('run', { together: together.checked });
});
together.addEventListener('change', showState);
halt.addEventListener('click', () => trigger('stop'));

const showAll = () => {
  showPhotos(props.value.photos);
  if ((run()?.number ?? 0) !== shownRun) {
    shownRun = run()?.number ?? 0;
    if (viewer.open) viewer.close();
    startAgain();
  }
  showRows();
  showState();
  const { file } = props.value;
  if (file && file !== taken) {
    taken = file;
    make('a', { href: served(file), download: file.split('/').at(-1) }).click();
  }
};
const sayOptions = () => {
  together.nextElementSibling.textContent = say('batch_together');
  find('.when').textContent = say('batch_together_when');
};
const sayAgain = () => {
  if (viewer.open) viewer.close();
  sayOptions();
  startAgain();
  showAll();
};
window.addEventListener('clipapp:asked', showState);
window.addEventListener('clipapp:language', sayAgain);
watch('value', showAll);
sayOptions();
startAgain();
showAll();

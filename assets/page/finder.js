// The search page: what is asked for is held here and sent whole with each page of pictures; the
// answers come as events of the carriers (`clipapp:found` and so on), with the number of the
// question. Pictures lie in columns, and only those near the window are in the document, so that a
// hundred thousand scroll as twenty do.
const board = find('.board');
const field = find('.field');
const query = find('.query');
const drawer = find('.drawer');
const address = window.clipApp.address;

const GAP = 8;
const LINE = 48;
const AHEAD = 900; // pixels beyond the window in which tiles are there and further pages asked for
const TALLEST = 1.8; // of its width; taller pictures are cut
const PAUSE = 400; // ms after the last key, as everywhere on this page

const fresh = () => ({
  query: '', exclude: '', literal: false, liked: [], pictures: [], picture_weight: 1,
  below: '', kinds: [], from: '', until: '', by_date: false,
});
let asked = fresh();
let answer = null; // the first page of what is shown
let rows = [];
let placed = { tiles: [], line: null, cut: 0, height: 0, columns: [], width: 0 };
let following = null;
let turn = 0; // of the question
let waiting = false;
let asking = false; // for a further page
let problem = null;
let current = -1; // the picture in the drawer
let detail = null;
let opener = null;
let asks = 0; // each its own number: an answer equal to the one before would go unnoticed
let opening = 0;
let wanted = -1; // the picture that the drawer waits for, on a page still to come
let picks = new Map(); // by hash, in the order in which they were chosen
let lastPick = -1;
let note = '';
let galleries = [];
let gallery = address.get().gallery ?? ''; // the key of the chosen one; '' for the first
let opened = false; // whether that of the address has been looked for
let sent = false; // by Enter or the button: what is subtracted becomes chips
let before = null; // what was typed before that
let wide = Number(stored('tile') || 0);
let kept = [];
// Browsers may refuse storage.
function stored(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(`clip_app.${key}`);
    localStorage.setItem(`clip_app.${key}`, value);
  } catch { /* then nothing is kept */ }
  return null;
}
const here = () => document.body.dataset.tab === 'gallery';
const number = (count) => count.toLocaleString(language());

// Asking --------------------------------------------------------------------------------------
let timer = 0;
const ask = (offset = 0) => {
  clearTimeout(timer);
  if (!offset) {
    turn += 1;
    waiting = true;
    problem = null;
    board.classList.add('stale');
    counted();
  }
  asking = true;
  trigger('ask', { ...asked, offset, id: turn });
};
const later = () => { clearTimeout(timer); timer = setTimeout(() => changed(), PAUSE); };
// What is typed is searched for; what was liked of an earlier query was liked for that one.
const changed = ({ push = false } = {}) => {
  clearTimeout(timer);
  if (asked.query !== query.value.trim()) {
    // What was subtracted in the text goes with it; what was typed under "Without" stays.
    const exclude = before?.exclude ?? asked.exclude;
    asked = { ...asked, query: query.value.trim(), exclude, literal: false, liked: [] };
    before = null;
  }
  address.set(
    { q: asked.query, no: asked.exclude, sort: asked.by_date ? 'date' : '', folder: asked.below, gallery },
    { push: push && (address.get().q ?? '') !== asked.query },
  );
  drawTerms();
  ask();
};
const set = (values) => { asked = { ...asked, ...values }; changed(); };

// The year that is chosen, where the dates are those of one.
const yearAsked = () => {
  const year = asked.from.slice(0, 4);
  return asked.from === `${year}-01-01` && asked.until === `${year}-12-31` ? year : '';
};
const datesSaid = () => {
  const { from, until } = asked;
  if (from && until) return yearAsked() || say('find_between_chip', { from, until });
  return from ? say('find_since_chip', { day: from }) : say('find_until_chip', { day: until });
};
const nameOf = (one) => one.name.replace(/\.[^.]+$/, '').slice(0, 40);
const drawTerms = () => {
  const term = (words, picture, remove) => {
    const off = make('button', { type: 'button', ariaLabel: say('find_remove', { name: words }) }, '×');
    off.addEventListener('click', () => { remove(); query.focus(); });
    const image = picture ? [make('img', { src: served(picture), alt: '' })] : [];
    return make('li', { className: 'term' }, ...image, make('span', { title: words }, words), off);
  };
  const without = asked.exclude.split(/[,，;；、\n]/).map((one) => one.trim()).filter(Boolean);
  find('.terms').replaceChildren(
    ...(asked.below ? [term(say('find_folder_chip', { name: asked.below }), null, () => set({ below: '' }))] : []),
    ...asked.kinds.map((one) => term(one, null,
      () => set({ kinds: asked.kinds.filter((other) => other !== one) }))),
    ...(asked.from || asked.until ? [term(datesSaid(), null, () => set({ from: '', until: '' }))] : []),
    ...without.map((one) => term(say('find_without_chip', { name: one }), null,
      () => set({ exclude: without.filter((other) => other !== one).join(', ') }))),
    ...asked.pictures.map((one) => term(say('find_picture_chip', { name: nameOf(one) }), one.path,
      () => set({ pictures: asked.pictures.filter((other) => other !== one) }))),
    ...asked.liked.map((one) => term(
      say({ 1: 'find_picture_chip', 0.5: 'find_more_chip' }[one.weight] ?? 'find_less_chip', { name: nameOf(one) }),
      one.thumbnail, () => set({ liked: asked.liked.filter((other) => other !== one) }))),
  );
  find('.weight').hidden = !asked.pictures.length || !asked.query;
};

query.addEventListener('input', () => { if (!query.dataset.composing) later(); });
query.addEventListener('compositionstart', () => { query.dataset.composing = '1'; });
query.addEventListener('compositionend', () => { delete query.dataset.composing; later(); });
const submit = () => {
  sent = true;
  changed({ push: true });
  // On a phone the first pictures come into view.
  if (matchMedia('(max-width: 640px)').matches) { query.blur(); find('.search').scrollIntoView({ block: 'start' }); }
};
query.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.isComposing) { event.preventDefault(); submit(); }
});
find('.go').addEventListener('click', submit);
find('.weight input').addEventListener('change', ({ target }) => set({ picture_weight: Number(target.value) }));

// Pictures to look for -------------------------------------------------------------------------
let added = null; // the picture that is looked for since the last question
const lookFor = async (file) => {
  if (!file) return;
  const limit = window.gradio_config.max_file_size ?? Infinity;
  if (file.size > limit) {
    return fail({ key: 'image_file_too_large', values: {
      name: file.name, megabytes: Math.ceil(file.size / 1e6), limit: Math.floor(limit / 1e6) } });
  }
  try {
    const { path } = await upload(file);
    added = { path, name: file.name };
    set({ pictures: [...asked.pictures, added] });
  } catch {
    fail({ key: 'find_lost' });
  }
};
const imageOf = (data) => [...(data?.files ?? [])].find((one) => /^image\/|^$/.test(one.type));
find('.picture').addEventListener('click', () => find('.file').click());
find('.file').addEventListener('change', ({ target }) => { lookFor(target.files[0]); target.value = ''; });
field.addEventListener('dragover', (event) => { event.preventDefault(); field.classList.add('over'); });
field.addEventListener('dragleave', () => field.classList.remove('over'));
field.addEventListener('drop', (event) => {
  event.preventDefault();
  field.classList.remove('over');
  lookFor(imageOf(event.dataTransfer));
});
document.addEventListener('paste', (event) => {
  const file = here() && imageOf(event.clipboardData);
  if (!file) return;
  event.preventDefault();
  lookFor(file);
});
window.addEventListener('clipapp:search-image', ({ detail: photo }) => {
  if (!photo) return;
  query.value = '';
  asked = { ...fresh(), pictures: [{ path: photo.path, name: photo.orig_name || 'photo' }] };
  window.clipApp.show('gallery');
  changed();
});

// What is subtracted moves from the field into chips once a search is sent, not while one types.
const chipped = ({ wanted, unwanted }) => {
  if (!unwanted.length || query.value.trim() !== asked.query) return;
  before = { query: asked.query, exclude: asked.exclude };
  query.value = wanted;
  asked = { ...asked, query: wanted, exclude: [asked.exclude, ...unwanted].filter(Boolean).join(', ') };
  address.set({ q: asked.query, no: asked.exclude });
};

// What was found -------------------------------------------------------------------------------
const fail = (why) => { problem = why; waiting = false; board.classList.remove('stale'); draw(); };
window.addEventListener('clipapp:found', ({ detail: found }) => {
  if (!found || found.id !== turn) return;
  if (found.galleries) {
    galleries = found.galleries;
    const wanted = !opened && galleries.find((one) => one.key === gallery);
    opened = true;
    const now = galleries.find((one) => one.folder === found.chosen);
    if (wanted && wanted !== now) {
      trigger('choose', { folder: wanted.folder });
      return;
    }
    gallery = now && now !== galleries[0] ? now.key : '';
    if (here()) address.set({ gallery });
  }
  asking = false;
  if (found.problem && added) {
    // A picture that cannot be read is not looked for; what was found before stays.
    asked = { ...asked, pictures: asked.pictures.filter((one) => one !== added) };
    added = null;
    return fail({ said: found.problem });
  }
  added = null;
  if (found.problem) {
    rows = found.offset ? rows : [];
    following = null;
    answer = found.offset ? answer : null;
    layOut();
    if (found.unread) panel().querySelector('.label-wrap:not(.open)')?.click();
    return fail({ said: found.problem, panel: found.unread });
  }
  following = found.following;
  if (!found.offset && sent) {
    sent = false;
    chipped(found);
  }
  if (!found.offset) {
    waiting = false;
    answer = found;
    rows = [];
    kept = found.kept ?? JSON.parse(stored('searches') || '[]');
    board.classList.remove('stale');
    clear();
    if (current >= 0) { current = -1; drawer.hidden = true; board.classList.remove('beside'); }
    lastPick = -1;
  }
  rows.push(...found.rows);
  layOut(found.offset ? rows.length - found.rows.length : 0);
  // Around a further page nothing changes; to draw it all again would hold up the scrolling.
  if (found.offset) drawDrawer(); else draw();
  if (wanted >= 0) { const next = wanted; wanted = -1; if (!drawer.hidden) show(next); }
});
let again = 0;
window.addEventListener('clipapp:gallery', ({ detail: why }) => {
  if (why === 'visit' && (answer || problem)) return;
  clearTimeout(again);
  again = setTimeout(() => {
    if (!here()) return;
    const { q = '', no = '', sort, folder = '' } = address.get();
    if (!answer && !query.value) {
      query.value = q;
      asked = { ...asked, query: q, exclude: no, by_date: sort === 'date', below: folder };
    }
    changed(); // with what has been typed meanwhile
  }, answer ? 700 : 0);
});
window.clipApp.onAddress(({ tab, q = '', no = '', sort, folder = '', gallery: key = '' }) => {
  if (tab !== 'gallery') return;
  if (q === asked.query && no === asked.exclude && folder === asked.below && (sort === 'date') === asked.by_date && key === gallery) return;
  query.value = q;
  asked = { ...asked, query: q, exclude: no, literal: false, liked: [], by_date: sort === 'date', below: folder };
  drawTerms();
  const wanted = galleries.find((one) => one.key === key) ?? galleries[0];
  if (wanted && key !== gallery) choose(wanted); else ask();
});
const choose = (one) => {
  gallery = one === galleries[0] ? '' : one.key;
  asked = { ...asked, below: '', liked: [], pictures: asked.pictures };
  address.set({ gallery, folder: '' });
  waiting = true;
  counted();
  board.classList.add('stale');
  trigger('choose', { folder: one.folder });
};
find('.gallery select').addEventListener('change', ({ target }) =>
  choose(galleries.find((one) => one.folder === target.value)));
const panel = () => document.querySelector('#gallery-panel');
find('.add').addEventListener('click', () => {
  panel().querySelector('.label-wrap').click();
  panel().scrollIntoView({ block: 'nearest' });
});

// Placing and showing --------------------------------------------------------------------------
const tileWidth = () => wide || (board.clientWidth < 640 ? board.clientWidth / 2 - GAP : 220);
const layOut = (from = 0) => {
  const width = board.clientWidth;
  if (!from || width !== placed.width) {
    // Without a width, in a tab that is not shown, the division would have no end.
    const room = width && Math.floor((width + GAP) / (tileWidth() + GAP));
    const count = Math.max(width < 640 ? 2 : 1, room);
    placed = { tiles: [], line: null, cut: 0, height: 0, columns: Array(count).fill(0), width };
    from = 0;
  }
  const { columns, tiles } = placed;
  const one = (width - GAP * (columns.length - 1)) / columns.length;
  placed.one = one;
  for (let place = from; place < rows.length; place += 1) {
    const row = rows[place];
    if (placed.line === null && answer.above !== null && row.rank >= answer.above) {
      placed.line = Math.max(...columns);
      placed.cut = place;
      columns.fill(placed.line + LINE);
    }
    const aspect = row.width && row.height ? row.height / row.width : 0.75;
    const height = Math.round(one * Math.min(TALLEST, Math.max(0.5, aspect)));
    const column = columns.indexOf(Math.min(...columns));
    tiles[place] = { x: column * (one + GAP), y: columns[column], height };
    columns[column] += height + GAP;
  }
  placed.height = Math.max(0, ...columns);
  board.style.height = `${placed.height}px`;
  if (from) { look(); return; }
  // Tiles that were there are laid anew; the keyboard stays where it was.
  const focused = document.activeElement?.closest('.tile')?.dataset.place;
  clear();
  look();
  if (focused) shown.get(Number(focused))?.querySelector('.open').focus({ preventScroll: true });
};
// Each tile lies at or below those before it, so that the ones in a range are found by halving.
const firstBelow = (y) => {
  let low = 0;
  let high = placed.tiles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed.tiles[middle].y < y) low = middle + 1; else high = middle;
  }
  return low;
};
const makeTile = (place) => {
  const row = rows[place];
  const spot = placed.tiles[place];
  const open = make('button', { type: 'button', className: 'open' });
  open.append(make('img', { src: served(row.thumbnail), alt: '', decoding: 'async' }));
  const tick = make('button', { type: 'button', className: 'tick' }, make('i', { ariaHidden: 'true' }, '✓'));
  tick.setAttribute('role', 'checkbox');
  const info = make('div', { className: 'info', ariaHidden: 'true' });
  if (answer.searched) info.append(make('span', {}, row.similarity.toFixed(2)));
  if (row.copies) info.append(make('span', {}, `×${row.copies + 1}`));
  info.append(make('span', { className: 'called' }, row.name));
  const tile = make('li', { className: 'tile' }, open, info, tick);
  tile.dataset.place = place;
  tile.setAttribute('aria-setsize', answer.total);
  tile.setAttribute('aria-posinset', place + 1);
  Object.assign(tile.style, { left: `${spot.x}px`, top: `${spot.y}px`, width: `${placed.one}px`, height: `${spot.height}px` });
  name(tile);
  return tile;
};
const name = (tile) => {
  const place = Number(tile.dataset.place);
  const row = rows[place];
  const values = { number: place + 1, name: row.name, similarity: row.similarity.toFixed(3), date: row.date };
  tile.querySelector('.open').ariaLabel = say(answer.searched ? 'find_tile' : 'find_tile_plain', values);
  const tick = tile.querySelector('.tick');
  tick.ariaLabel = say('find_tick', { name: row.name });
  tick.ariaChecked = String(picks.has(row.hash));
  tile.classList.toggle('chosen', picks.has(row.hash));
  tile.classList.toggle('current', place === current);
};
// The work of a frame is that of the tiles that come and go: at 100,000 rows too a few of each.
const shown = new Map(); // the tiles in the document, by their place
const line = make('li', { className: 'line' });
let span = { first: 0, last: 0 };
const clear = () => {
  shown.clear();
  span = { first: 0, last: 0 };
  board.replaceChildren();
};
const look = () => {
  if (!here()) return;
  const top = -board.getBoundingClientRect().top;
  const tallest = placed.one * TALLEST || 0;
  const first = firstBelow(top - AHEAD - tallest);
  const last = firstBelow(top + innerHeight + AHEAD);
  if (first !== span.first || last !== span.last) {
    span = { first, last };
    fill(first, last);
  }
  if (following !== null && !asking && !waiting && placed.height - top < innerHeight + 2 * AHEAD) ask(following);
};
const fill = (first, last) => {
  for (const [place, tile] of shown) {
    // The keyboard's tile stays, wherever it is.
    if ((place >= first && place < last) || tile.contains(document.activeElement)) continue;
    tile.remove();
    shown.delete(place);
  }
  // In the order of the pictures, which is that in which they are read out.
  let after = shownFrom(last);
  for (let place = last - 1; place >= first; place -= 1) {
    if (!shown.has(place)) {
      shown.set(place, makeTile(place));
      board.insertBefore(shown.get(place), after);
    }
    after = shown.get(place);
  }
  drawLine();
};
const shownFrom = (place) =>
  shown.get(Math.min(...[...shown.keys()].filter((one) => one >= place))) ?? null;
const drawLine = () => {
  if (placed.line === null || !answer?.total) { line.remove(); return; }
  const said = say(answer.above ? 'find_line' : 'find_line_none');
  if (line.textContent !== said) line.textContent = said;
  line.style.top = `${placed.line}px`;
  const after = shownFrom(placed.cut);
  if (line.parentNode !== board || line.nextSibling !== after) board.insertBefore(line, after);
};
let frame = 0;
const soon = () => { if (!frame) frame = requestAnimationFrame(() => { frame = 0; look(); }); };
window.addEventListener('scroll', soon, { passive: true });
new ResizeObserver(() => { if (board.clientWidth && board.clientWidth !== placed.width) layOut(); else soon(); }).observe(board);
window.clipApp.onTab(() => soon());

// Words, counts and filters --------------------------------------------------------------------
const counted = () => {
  const place = find('.count');
  if (waiting) { place.textContent = say('find_searching'); return; }
  if (!answer) { place.textContent = ''; return; }
  const { total, above, searched } = answer;
  const values = { total: number(total), above: number(above ?? 0), rest: number(total - (above ?? 0)) };
  let key = 'find_all';
  if (!total) key = filtered() ? 'find_nothing' : 'find_empty';
  else if (searched && above === null) key = 'find_ranked';
  else if (searched) key = !above ? 'find_split_none' : above === total ? 'find_split_all' : 'find_split';
  else if (total === 1) key = 'find_one';
  place.textContent = say(key, values);
};
const filtered = () => Boolean(asked.below || asked.kinds.length || asked.from || asked.until);
const pill = (words, { pressed, count, act }) => {
  const one = make('button', { type: 'button', className: 'pill' }, make('span', {}, words));
  if (count !== undefined) one.append(make('small', {}, number(count)));
  if (pressed !== undefined) one.ariaPressed = String(pressed);
  one.addEventListener('click', act);
  return one;
};
const drawFilters = () => {
  const { folders, kinds, years } = answer?.facets ?? { folders: [], kinds: [], years: [] };
  const box = find('.choices');
  const group = (key, ...children) => {
    const one = make('div', { className: 'choice' }, make('b', {}, say(key)), ...children);
    one.setAttribute('role', 'group');
    one.ariaLabel = say(key);
    return one;
  };
  const parts = asked.below ? asked.below.split('/') : [];
  const path = parts.map((one, depth) => pill(`${one} ×`, {
    pressed: true, act: () => set({ below: parts.slice(0, depth).join('/') }) }));
  const inside = folders.slice(0, 60).map(([one, count]) => pill(one, {
    count, act: () => set({ below: [...parts, one].join('/') }) }));
  const shownKinds = kinds.map(([one]) => one);
  const types = [...kinds, ...asked.kinds.filter((one) => !shownKinds.includes(one)).map((one) => [one])]
    .map(([one, count]) => pill(one, { count, pressed: asked.kinds.includes(one), act: () => set({
      kinds: asked.kinds.includes(one) ? asked.kinds.filter((other) => other !== one) : [...asked.kinds, one] }) }));
  const year = yearAsked();
  const byYear = years.map(([one, count]) => pill(one, { count, pressed: year === one, act: () => set(
    year === one ? { from: '', until: '' } : { from: `${one}-01-01`, until: `${one}-12-31` }) }));
  const date = (key, part) => {
    const input = make('input', { type: 'date', value: asked[part], ariaLabel: say(key) });
    input.addEventListener('change', () => set({ [part]: input.value }));
    return make('label', {}, say(key), ' ', input);
  };
  const without = make('input', { type: 'text', value: asked.exclude, ariaLabel: say('find_without_label') });
  without.addEventListener('change', () => set({ exclude: without.value }));
  const called = (one) => one.ariaLabel ?? one.firstChild.textContent.replace(' ×', '');
  const focused = box.contains(document.activeElement) && called(document.activeElement);
  box.replaceChildren(
    group('find_without', without),
    ...(path.length || inside.length ? [group('find_folder', ...path, ...inside)] : []),
    ...(types.length > 1 || asked.kinds.length ? [group('find_kind', ...types)] : []),
    ...(byYear.length > 1 || year ? [group('find_year', ...byYear)] : []),
    group('find_date', date('find_from', 'from'), date('find_until', 'until'), make('small', {}, say('find_dates'))),
  );
  if (focused) ([...box.querySelectorAll('button, input')].find((one) => called(one) === focused) ?? find('summary')).focus();
  find('.filters > summary').textContent = say('find_filters');
};
const filters = find('.filters');
document.addEventListener('pointerdown', ({ target }) => { if (!filters.contains(target)) filters.open = false; });
document.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape' || !filters.open) return;
  filters.open = false;
  filters.firstElementChild.focus();
});
const drawTries = () => {
  const box = find('.tries');
  const use = (one) => () => {
    query.value = one.query ?? one;
    asked = { ...asked, liked: [], literal: false, ...(one.name ? {
      exclude: one.exclude, below: one.below, kinds: one.kinds, from: one.from, until: one.until } : {}) };
    asked.query = query.value;
    changed({ push: true });
  };
  const saved = kept.flatMap((one) => {
    const off = make('button', { type: 'button', className: 'x', ariaLabel: say('find_drop', one) }, '×');
    off.addEventListener('click', () => keep({ drop: one.name }));
    return [pill(`★ ${one.name}`, { act: use(one) }), off];
  });
  const tries = answer?.is_examples ? props.tries.slice(0, 12).map((one) => one[language()]) : [];
  const canKeep = asked.query && answer?.searched && !kept.some((one) => one.query === asked.query);
  const keeper = canKeep ? [pill(`☆ ${say('find_keep')}`, { act: () => keep({ name: asked.query }) })] : [];
  box.ariaLabel = say('find_try');
  box.replaceChildren(
    ...keeper, ...saved,
    ...(tries.length ? [make('span', { className: 'lead' }, say('find_try')), ...tries.map((one) => pill(one, { pressed: asked.query === one, act: use(one) }))] : []),
  );
};
const keep = (change) => {
  if (answer.kept) { trigger('keep', { ...change, asked: { ...asked, offset: 0 }, id: (asks += 1) }); return; }
  // On a page that others reach too, what one keeps is kept in one's own browser.
  const { query: words, exclude, below, kinds, from, until } = asked;
  kept = kept.filter((one) => one.name !== (change.drop ?? change.name));
  if (change.name) kept.unshift({ name: change.name, query: words, exclude, below, kinds, from, until });
  stored('searches', JSON.stringify(kept.slice(0, 200)));
  drawTries();
};
window.addEventListener('clipapp:kept', ({ detail: told }) => {
  if (!told) return;
  if (told.problem) { fail({ said: told.problem }); return; }
  kept = told.kept;
  drawTries();
});

const draw = () => {
  query.ariaLabel = say('find_field');
  query.placeholder = say('find_placeholder');
  query.title = say('find_hint');
  find('.go').textContent = say('find_go');
  find('.picture').textContent = say('find_picture');
  find('.weight-name').textContent = say('find_weight');
  find('.weight-words').textContent = say('find_weight_words');
  find('.weight-pictures').textContent = say('find_weight_pictures');
  find('.sort span').textContent = say('find_sort');
  find('.size span').textContent = say('find_size');
  const sort = find('.sort select');
  sort.replaceChildren(...['find_by_rank', 'find_by_date'].map((key) => make('option', { value: key }, say(key))));
  const chooser = find('.gallery select');
  chooser.ariaLabel = say('gallery_folder');
  chooser.replaceChildren(...galleries.map((one) => make('option', { value: one.folder }, both(one.name))));
  chooser.value = (galleries.find((one) => one.key === gallery) ?? galleries[0])?.folder ?? '';
  find('.add').textContent = say('find_add');
  sort.value = asked.by_date ? 'find_by_date' : 'find_by_rank';
  find('.sort').hidden = !answer?.searched;
  find('.size input').value = String(tileWidth());
  board.ariaLabel = say('find_results');
  drawTerms();
  drawFilters();
  drawTries();
  counted();
  const understood = find('.understood');
  understood.hidden = !answer?.interpreted;
  understood.firstChild.textContent = say('find_understood', { query: answer?.query ?? '' });
  understood.lastChild.textContent = say('find_literally');
  find('.remarks').replaceChildren(...(answer?.remarks ?? []).map((one) => make('p', {}, both(one))));
  const wrong = find('.problem');
  wrong.hidden = !problem;
  if (problem) {
    wrong.firstChild.textContent = problem.said ? both(problem.said) : say(problem.key, problem.values);
    wrong.lastChild.hidden = !problem.panel;
    wrong.lastChild.textContent = say('find_open_panel');
  }
  drawLine();
  look();
  drawPicked();
  drawDrawer();
};
find('.sort select').addEventListener('change', ({ target }) => set({ by_date: target.value === 'find_by_date' }));
find('.size input').addEventListener('input', ({ target }) => {
  wide = Number(target.value);
  stored('tile', wide);
  layOut();
});
find('.understood').lastChild.addEventListener('click', () => {
  asked = { ...asked, ...before, literal: true };
  before = null;
  query.value = asked.query;
  address.set({ q: asked.query, no: asked.exclude });
  drawTerms();
  ask();
});
find('.problem').lastChild.addEventListener('click', () => {
  panel().querySelector('.label-wrap:not(.open)')?.click();
  panel().scrollIntoView({ block: 'center' });
});

// The drawer -----------------------------------------------------------------------------------
const show = (place) => {
  if (place === rows.length && following !== null) {
    wanted = place;
    if (!asking) ask(following);
    return;
  }
  if (place < 0 || place >= rows.length) return;
  if (drawer.hidden) opener = document.activeElement;
  current = place;
  detail = null;
  drawer.hidden = false;
  board.classList.add('beside');
  for (const tile of shown.values()) name(tile);
  opening = asks += 1;
  trigger('open', { hash: rows[place].hash, id: opening });
  drawDrawer();
  drawer.focus({ preventScroll: true });
  const spot = placed.tiles[place];
  const top = board.getBoundingClientRect().top + spot.y;
  if (top < 60 || top + spot.height > innerHeight) window.scrollBy({ top: top - innerHeight / 3 });
};
const hide = () => {
  drawer.hidden = true;
  board.classList.remove('beside');
  const was = current;
  current = -1;
  for (const tile of shown.values()) name(tile);
  (shown.get(was)?.querySelector('.open') ?? opener)?.focus?.({ preventScroll: true });
};
const drawDrawer = () => {
  if (drawer.hidden || current < 0) return;
  const row = rows[current];
  drawer.ariaLabel = say('find_drawer');
  drawer.querySelector('.name').textContent = row.name;
  const names = { previous: 'find_previous', next: 'find_next', close: 'find_close' };
  for (const [one, key] of Object.entries(names)) drawer.querySelector(`.${one}`).ariaLabel = say(key);
  drawer.querySelector('.previous').disabled = current === 0;
  drawer.querySelector('.next').disabled = current === rows.length - 1 && following === null;
  const acts = { like: 'find_like', unlike: 'find_unlike', similar: 'find_similar', judge: 'find_judge', original: 'find_original' };
  for (const [one, key] of Object.entries(acts)) drawer.querySelector(`.${one}`).textContent = say(key);
  drawer.querySelector('.keys').textContent = say('find_keys');
  const whole = drawer.querySelector('.whole');
  const source = served(detail?.show ?? row.thumbnail);
  if (whole.getAttribute('src') !== source) whole.src = source;
  whole.alt = row.name;
  const wrong = drawer.querySelector('.problem');
  wrong.hidden = !detail?.problem;
  wrong.textContent = detail?.problem ? both(detail.problem) : '';
  const link = drawer.querySelector('.original');
  link.hidden = !detail?.file;
  if (detail?.file) { link.href = served(detail.file); link.download = row.name; }
  const facts = [];
  if (answer.searched) facts.push(['find_fact_similarity', row.similarity.toFixed(4)]);
  if (detail?.path) {
    facts.push(['find_fact_path', both(detail.path)]);
    facts.push([detail.file_date ? 'find_fact_file_date' : 'find_fact_taken', detail.taken]);
    facts.push(['find_fact_size', `${detail.size} MB`]);
    if (detail.also.length) facts.push(['find_fact_also', detail.also.map(both).join(', ')]);
  }
  drawer.querySelector('.facts').replaceChildren(
    ...facts.flatMap(([key, value]) => [make('dt', {}, say(key)), make('dd', {}, value)]));
};
window.addEventListener('clipapp:opened', ({ detail: told }) => {
  if (!told || current < 0 || told.id !== opening) return;
  detail = told;
  drawDrawer();
});
const like = (weight) => () => {
  const { hash, name: called, thumbnail } = rows[current];
  const others = asked.liked.filter((one) => one.hash !== hash && (weight !== 1));
  const one = { hash, name: called, weight, thumbnail };
  if (weight === 1) { query.value = ''; asked = { ...asked, query: '', exclude: '', pictures: [] }; }
  hide();
  set({ liked: [...others, one] });
  window.scrollTo({ top: 0 });
};
drawer.querySelector('.like').addEventListener('click', like(0.5));
drawer.querySelector('.unlike').addEventListener('click', like(-0.5));
drawer.querySelector('.similar').addEventListener('click', like(1));
drawer.querySelector('.judge').addEventListener('click', () => {
  trigger('judge', { hash: rows[current].hash });
});
drawer.querySelector('.previous').addEventListener('click', () => show(current - 1));
drawer.querySelector('.next').addEventListener('click', () => show(current + 1));
drawer.querySelector('.close').addEventListener('click', hide);
drawer.addEventListener('keydown', (event) => {
  const act = {
    Escape: hide, ArrowLeft: () => show(current - 1), ArrowRight: () => show(current + 1),
    x: () => pick(current), X: () => pick(current),
  }[event.key];
  if (act) { event.preventDefault(); event.stopPropagation(); act(); return; }
  if (event.key !== 'Tab') return;
  const stops = [...drawer.querySelectorAll('button:not(:disabled), a[href]')].filter((one) => !one.hidden);
  const [first, last] = [stops[0], stops.at(-1)];
  if (event.shiftKey && [first, drawer].includes(document.activeElement)) { event.preventDefault(); last.focus(); }
  else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
});

// Choosing -------------------------------------------------------------------------------------
const pick = (place, range = false) => {
  const row = rows[place];
  const on = !picks.has(row.hash);
  const from = range && lastPick >= 0 ? Math.min(lastPick, place) : place;
  const to = range && lastPick >= 0 ? Math.max(lastPick, place) : place;
  for (let one = from; one <= to; one += 1) {
    if (on || range) picks.set(rows[one].hash, rows[one]); else picks.delete(rows[one].hash);
  }
  lastPick = place;
  all = false;
  drawPicked();
};
let all = false; // above the line, of which not each is loaded
const drawPicked = () => {
  const box = find('.picked');
  const count = all ? answer.above : picks.size;
  box.hidden = !count;
  board.classList.toggle('choosing', Boolean(count));
  for (const tile of shown.values()) name(tile);
  box.querySelector('b').textContent = count ? say('find_picked', { number: number(count) }) : '';
  const above = box.querySelector('.above');
  above.hidden = !answer?.above || all;
  above.textContent = say('find_pick_above', { number: number(answer?.above ?? 0) });
  box.querySelector('.zip').textContent = say('find_zip');
  box.querySelector('.none').textContent = say('find_clear');
  box.querySelector('.note').textContent = typeof note === 'string' ? note : both(note);
};
find('.picked .above').addEventListener('click', () => {
  all = true;
  rows.forEach((row) => { if (row.rank < answer.above) picks.set(row.hash, row); });
  drawPicked();
});
find('.picked .none').addEventListener('click', () => { picks = new Map(); all = false; note = ''; drawPicked(); });
for (const kind of ['zip', 'csv', 'json']) {
  find(`.picked .${kind}`).addEventListener('click', () => {
    note = say('find_packing');
    drawPicked();
    trigger('pack', { kind, asked: { ...asked, offset: 0 }, ...(all ? {} : { hashes: [...picks.keys()] }), id: (asks += 1) });
  });
}
window.addEventListener('clipapp:packed', ({ detail: told }) => {
  if (!told) return;
  note = told.problem ?? told.note ?? '';
  drawPicked();
  if (!told.file) return;
  const link = make('a', { href: served(told.file), download: told.file.split('/').at(-1) });
  link.click();
});
board.addEventListener('click', (event) => {
  const tile = event.target.closest('.tile');
  if (!tile) return;
  const place = Number(tile.dataset.place);
  if (event.target.closest('.tick') || event.shiftKey || event.ctrlKey || event.metaKey) pick(place, event.shiftKey);
  else show(place);
});
board.addEventListener('keydown', (event) => {
  const tile = event.target.closest('.tile');
  if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
  const place = Number(tile.dataset.place);
  if (event.key === 'x' || event.key === 'X') { event.preventDefault(); pick(place, event.shiftKey); }
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: placed.columns.length, ArrowUp: -placed.columns.length }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = Math.min(rows.length - 1, Math.max(0, place + step));
  const spot = placed.tiles[next];
  const top = board.getBoundingClientRect().top + spot.y;
  if (top < 80 || top + spot.height > innerHeight) window.scrollBy({ top: top - innerHeight / 3 });
  look();
  shown.get(next)?.querySelector('.open').focus({ preventScroll: true });
});
window.addEventListener('clipapp:language', draw);
draw();

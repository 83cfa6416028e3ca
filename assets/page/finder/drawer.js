// The drawer with one picture, at the side or, on a phone, from below.
const drawer = find('.drawer');
let current = -1; // the picture in the drawer
let detail = null;
let opener = null;
let opening = 0;
let listed = null; // the photographs that it walks through, where they are not those of the board
let wanted = -1; // the picture that the drawer waits for, on a page still to come

const leaves = () => listed ?? rows;
const show = (place, of = listed) => {
  if (!of && place === rows.length && following !== null) {
    wanted = place;
    if (!asking) ask(following);
    return;
  }
  if (place < 0 || place >= (of ?? rows).length) return;
  listed = of;
  endWhere();
  if (drawer.hidden) opener = document.activeElement;
  current = place;
  detail = null;
  drawer.hidden = false;
  board.classList.add('beside');
  for (const tile of shown.values()) name(tile);
  opening = asks += 1;
  trigger('open', { hash: leaves()[place].hash, id: opening });
  drawDrawer();
  drawer.focus({ preventScroll: true });
  if (asMap) { redraw(); return; }
  const spot = placed.tiles[place];
  const top = board.getBoundingClientRect().top + spot.y;
  if (top < 60 || top + spot.height > innerHeight) window.scrollBy({ top: top - innerHeight / 3 });
};
const hide = () => {
  endWhere();
  drawer.hidden = true;
  board.classList.remove('beside');
  const tile = listed ? null : shown.get(current); // those of a map are no tiles of the board
  current = -1;
  listed = null;
  if (asMap) redraw();
  for (const tile of shown.values()) name(tile);
  (tile?.querySelector('.open') ?? opener)?.focus?.({ preventScroll: true });
};
const drawDrawer = () => {
  if (drawer.hidden || current < 0) return;
  const row = leaves()[current];
  drawer.ariaLabel = say('find_drawer');
  drawer.querySelector('.name').textContent = row.name;
  const names = { previous: 'find_previous', next: 'find_next', close: 'find_close' };
  for (const [one, key] of Object.entries(names)) drawer.querySelector(`.${one}`).ariaLabel = say(key);
  drawer.querySelector('.previous').disabled = current === 0;
  drawer.querySelector('.next').disabled = current === leaves().length - 1 && (listed !== null || following === null);
  const acts = { like: 'find_like', unlike: 'find_unlike', similar: 'find_similar', judge: 'find_judge', original: 'find_original' };
  for (const [one, key] of Object.entries(acts)) drawer.querySelector(`.${one}`).textContent = say(key);
  drawWords();
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
  if (answer.searched) facts.push(['find_fact_similarity', decimal(row.similarity, listed ? 2 : 4)]);
  if (detail?.path) {
    facts.push(['find_fact_path', both(detail.path)]);
    facts.push([detail.file_date ? 'find_fact_file_date' : 'find_fact_taken', detail.taken]);
    facts.push(['find_fact_size', megabytes(detail.size)]);
    if (detail.also.length) facts.push(['find_fact_also', detail.also.map(both).join(', ')]);
  }
  drawer.querySelector('.facts').replaceChildren(
    ...facts.flatMap(([key, value]) => [make('dt', {}, say(key)), make('dd', {}, ...breakable(value))]));
};
window.addEventListener('clipapp:opened', ({ detail: told }) => {
  if (!told || current < 0 || told.id !== opening) return;
  detail = told;
  drawDrawer();
});
const like = (weight) => () => {
  const { hash, name: called, thumbnail } = leaves()[current];
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
  trigger('judge', { hash: leaves()[current].hash });
});
drawer.querySelector('.previous').addEventListener('click', () => show(current - 1));
drawer.querySelector('.next').addEventListener('click', () => show(current + 1));
drawer.querySelector('.close').addEventListener('click', hide);
drawer.addEventListener('keydown', (event) => {
  const act = {
    Escape: hide, ArrowLeft: () => show(current - 1), ArrowRight: () => show(current + 1),
    x: () => pick(current, false, leaves()), X: () => pick(current, false, leaves()),
  }[event.key];
  if (act) { event.preventDefault(); event.stopPropagation(); act(); return; }
  if (event.key !== 'Tab') return;
  const stops = [...drawer.querySelectorAll('button:not(:disabled), a[href]')].filter((one) => !one.hidden);
  const [first, last] = [stops[0], stops.at(-1)];
  if (event.shiftKey && [first, drawer].includes(document.activeElement)) { event.preventDefault(); last.focus(); }
  else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
});

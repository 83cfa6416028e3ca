// The pictures lie in columns, and only those near the window are in the document, so that a hundred
// thousand scroll as twenty do.
const board = find('.board');
const GAP = 8;
const LINE = 48;
const AHEAD = 900; // pixels beyond the window in which tiles are there and further pages asked for
const TALLEST = 1.8; // of its width; taller pictures are cut

let placed = { tiles: [], line: null, cut: 0, height: 0, columns: [], width: 0 };
let wide = Number(stored('tile') || 0);
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
    if (placed.line === null && answer.above && row.rank >= answer.above) {
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
// Copied rather than built: a frame of fast scrolling needs two dozen.
const blank = make('li', { className: 'tile' },
  make('button', { type: 'button', className: 'open' }, make('img', { alt: '', decoding: 'async' })),
  make('div', { className: 'info', ariaHidden: 'true' }, make('span'), make('span'), make('span', { className: 'called' })),
  make('button', { type: 'button', className: 'tick', role: 'checkbox' }, make('i', { ariaHidden: 'true' }, '✓')));
const makeTile = (place) => {
  const row = rows[place];
  const spot = placed.tiles[place];
  const tile = blank.cloneNode(true);
  const [open, info] = tile.children;
  const [score, copies, called] = info.children;
  if (answer.searched) score.textContent = decimal(row.similarity, 2); else score.remove();
  if (row.copies) copies.textContent = `×${row.copies + 1}`; else copies.remove();
  called.textContent = row.name;
  tile.dataset.place = place;
  tile.ariaSetSize = answer.total;
  tile.ariaPosInSet = place + 1;
  tile.style.cssText = `left:${spot.x}px;top:${spot.y}px;width:${placed.one}px;height:${spot.height}px`;
  name(tile);
  return tile;
};
const name = (tile) => {
  const place = Number(tile.dataset.place);
  const row = rows[place];
  const [open, , tick] = tile.children;
  const chosen = picks.has(row.hash);
  open.ariaLabel = answer.searched
    ? say('find_tile', { number: place + 1, name: row.name, similarity: decimal(row.similarity, 3) })
    : say('find_tile_plain', { number: place + 1, name: row.name, date: row.date });
  tick.ariaLabel = say('find_tick', { name: row.name });
  tick.ariaChecked = String(chosen);
  tile.classList.toggle('chosen', chosen);
  tile.classList.toggle('current', place === current);
};
// The work of a frame is that of the tiles that come and go: at 100,000 rows too a few of each.
const shown = new Map(); // the tiles in the document, by their place
const line = make('li', { className: 'line' });
let span = { first: 0, last: 0 };
let bare = []; // tiles that came too fast for their pictures to be asked for
let passed = 0; // where the window was when it was last looked at
let calm = 0;
const clear = () => {
  shown.clear();
  bare = [];
  span = { first: 0, last: 0 };
  board.replaceChildren();
};
const look = () => {
  if (!here() || asMap) return;
  const top = -board.getBoundingClientRect().top;
  const tallest = placed.one * TALLEST || 0;
  const first = firstBelow(top - AHEAD - tallest);
  const last = firstBelow(top + innerHeight + AHEAD);
  if (first !== span.first || last !== span.last) {
    span = { first, last };
    fill(first, last);
    // Half a window a frame nobody reads, and pictures are most of what a frame costs.
    clearTimeout(calm);
    if (Math.abs(top - passed) < innerHeight / 2) picture(); else calm = setTimeout(picture, 100);
  }
  passed = top;
  if (following !== null && !asking && !waiting && placed.height - top < innerHeight + 2 * AHEAD) ask(following);
};
const fill = (first, last) => {
  const focused = document.activeElement?.closest('.tile');
  for (const [place, tile] of shown) {
    // The keyboard's tile stays, wherever it is.
    if ((place >= first && place < last) || tile === focused) continue;
    tile.remove();
    shown.delete(place);
  }
  // In the order of the pictures, which is that in which they are read out.
  let after = shownFrom(last);
  for (let place = last - 1; place >= first; place -= 1) {
    if (!shown.has(place)) {
      shown.set(place, makeTile(place));
      bare.push(shown.get(place));
      board.insertBefore(shown.get(place), after);
    }
    after = shown.get(place);
  }
  drawLine();
};
const picture = () => {
  for (const tile of bare) {
    if (tile.isConnected) tile.querySelector('img').src = served(rows[Number(tile.dataset.place)].thumbnail);
  }
  bare = [];
};
const shownFrom = (place) =>
  shown.get(Math.min(...[...shown.keys()].filter((one) => one >= place))) ?? null;
const drawLine = () => {
  // That nothing matches well, the count above says.
  if (placed.line === null || !answer?.above) { line.remove(); return; }
  const said = say('find_line');
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
find('.size input').addEventListener('input', ({ target }) => {
  wide = Number(target.value);
  stored('tile', wide);
  layOut();
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

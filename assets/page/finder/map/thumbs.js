// Points become photographs as one zooms in: those in view for which there is room, asked for once
// the view rests.
const THUMBS = 120; // at once, which is also what may be asked for at once
const KEPT = 400; // rows with their pictures; older ones are asked for again
const THUMB = { least: 40, most: 116 }; // pixels
const AROUND = 90; // pixels between points
const REST = 120; // ms without a move
const thumbs = new Map(); // point -> { row, image, since }, in the order in which they were used
let laid = []; // what is shown: { point, x, y, size }
let resting = 0;
let missing = new Set();

// Pixels from one point to the next, were they spread evenly over the map.
const gapNow = () => {
  const [left, top, right, bottom] = chart.made.box;
  return camera.zoom * Math.sqrt(Math.max(1, (right - left) * (bottom - top)) / Math.max(1, chart.made.count));
};
const thumbSize = () => {
  const gap = gapNow();
  return gap < 16 ? 0 : Math.max(THUMB.least, Math.min(THUMB.most, gap));
};
// The photograph in the drawer, if it is one of the map.
const openedPoint = () => (current >= 0 && listed ? listed[current].point : -1);
const layThumbs = () => {
  // What was found is shown from afar, too, but less of it.
  const roomy = thumbSize();
  const size = roomy || THUMB.least;
  // From near, what is not meant is there too, pale, so that one sees where one is.
  const least = gapNow() > AROUND ? MOOD.dim : roomy ? MOOD.plain : MOOD.strong;
  const most = roomy ? THUMBS : THUMBS / 4;
  const before = new Set(laid.map((one) => one.point));
  const opened = openedPoint();
  laid = [];
  const { made, moods } = chart;
  const ranks = [[], [], [], []]; // found; there already; the rest; what is not meant
  for (let i = 0; i < made.count; i += 1) {
    if (moods[i] < least && i !== opened) continue;
    const x = across(made.places[2 * i]);
    const y = down(made.places[2 * i + 1]);
    if (x < -size || y < -size || x > camera.width + size || y > camera.height + size) continue;
    ranks[i === opened || moods[i] === MOOD.strong ? 0 : moods[i] === MOOD.dim ? 3 : before.has(i) ? 1 : 2].push({ point: i, x, y, size });
  }
  const cells = new Map();
  const free = ({ x, y }) => {
    const [column, row] = [Math.floor(x / size), Math.floor(y / size)];
    for (let i = column - 1; i <= column + 1; i += 1) {
      for (let j = row - 1; j <= row + 1; j += 1) {
        const there = cells.get(`${i},${j}`);
        if (there?.some((one) => Math.abs(one.x - x) < 0.85 * size && Math.abs(one.y - y) < 0.72 * size)) return false;
      }
    }
    return true;
  };
  ranks[0].sort((a, b) => (b.point === opened) - (a.point === opened));
  for (const one of ranks.flat()) {
    if (laid.length >= most) break;
    if (!free(one)) continue;
    laid.push(one);
    const cell = `${Math.floor(one.x / size)},${Math.floor(one.y / size)}`;
    cells.set(cell, [...(cells.get(cell) ?? []), one]);
  }
};
const askTiles = (wantedPoints) => {
  if (!wantedPoints.length) return;
  trigger('tiles', { id: (asks += 1), state: chart.made.state, points: wantedPoints.slice(0, THUMBS) });
};
const want = (point) => {
  const known = thumbs.get(point);
  if (known) { thumbs.delete(point); thumbs.set(point, known); return known; }
  missing.add(point);
  clearTimeout(resting);
  resting = setTimeout(() => {
    const now = [...missing].filter((one) => !thumbs.has(one)).slice(-THUMBS);
    missing = new Set();
    for (const one of now) thumbs.set(one, { row: null, image: null, since: 0 });
    askTiles(now);
  }, REST);
  return null;
};
const cards = new Map(); // who waits for the rows of which points
window.addEventListener('clipapp:map-tiles', ({ detail: told }) => {
  if (told?.old_map) renewMap();
  if (!told || told.state !== chart.made?.state) return;
  for (const row of told.rows ?? []) {
    const one = { row, image: new Image(), since: 0 };
    one.image.decoding = 'async';
    one.image.onload = () => { one.since = performance.now(); redraw(); };
    one.image.src = served(row.thumbnail);
    thumbs.delete(row.point);
    thumbs.set(row.point, one);
  }
  for (const old of [...thumbs.keys()].slice(0, Math.max(0, thumbs.size - KEPT))) thumbs.delete(old);
  drawPeek();
  if (told.rows?.some((row) => chart.made.faces?.includes(row.point))) drawLegend();
  const waits = cards.get(told.id);
  cards.delete(told.id);
  waits?.(told.rows ?? []);
  redraw();
});
const rowsOf = (wantedPoints, then) => {
  askTiles(wantedPoints);
  cards.set(asks, then);
};

// The map that is shown: what the server told of it, its colours, and which points stand out.
const COLOURINGS = ['cluster', 'date', 'folder', 'likeness'];
const chart = {
  id: 0, stale: true, made: null, progress: null, told: null, // what the server says
  of: null, // the gallery that `made` is of
  images: null, // how many photographs the index held when it was last asked
  renewed: 0, // the question for which the map was asked for anew
  seeking: false, // whether the question waits for the map, to know its area
  half: 1, // the value that half of the photographs do not reach: the scale of similarity begins there
  likeness: null, likenessId: 0, compared: '', // of what is searched, and what that was
  colouring: COLOURINGS.includes(stored('map-colours')) ? stored('map-colours') : 'cluster',
  moods: new Uint8Array(0), colours: [], colourAt: () => 0,
};
const tokens = {};
const swatch = document.createElement('canvas').getContext('2d');
const rgbOf = (value) => {
  swatch.fillStyle = value; // any CSS colour comes back as #rrggbb
  return [1, 3, 5].map((from) => parseInt(swatch.fillStyle.slice(from, from + 2), 16));
};
const readTokens = () => {
  const style = getComputedStyle(element);
  const names = ['paper', 'card', 'ink', 'muted', 'line', 'edge', 'accent', 'accent-soft', 'heat'];
  for (const one of names) tokens[one] = rgbOf(style.getPropertyValue(`--${one}`).trim());
  tokens.labels = Array.from({ length: 8 }, (_, i) => rgbOf(style.getPropertyValue(`--label-${i}`).trim()));
  tokens.font = style.fontFamily;
};
const blend = (from, to, share) => from.map((one, i) => Math.round(one + (to[i] - one) * share));
const css = ([r, g, b], opacity = 1) => `rgb(${r} ${g} ${b} / ${opacity})`;
// Eight colours have a token; of more, the next eight are these paler, then darker, then greyer.
const hueOf = (i) => {
  const [to, share] = [[null, 0], ['card', 0.4], ['ink', 0.45], ['muted', 0.6]][Math.floor(i / 8) % 4];
  return to ? blend(tokens.labels[i % 8], tokens[to], share) : tokens.labels[i % 8];
};
// Scales go from one lightness to another, so that they can be told apart without colours.
const ends = () => (chart.colouring === 'date'
  ? [blend(tokens.labels[4], tokens.card, 0.45), tokens.labels[0]] : [blend(tokens.muted, tokens.card, 0.6), tokens.heat]);
const scaleOf = () => {
  const [from, to] = ends();
  return Array.from({ length: 256 }, (_, i) => blend(from, to, i / 255));
};
const named = (one) => both(one.name);
const paint = () => {
  const { made, likeness, colouring } = chart;
  if (!made) return;
  const [first, last] = made.days;
  const byHue = (count) => Array.from({ length: count }, (_, i) => hueOf(i));
  [chart.colours, chart.colourAt] = {
    cluster: () => [byHue(made.clusters.length), (i) => made.cluster[i]],
    folder: () => [byHue(made.folders.length), (i) => made.folder[i]],
    date: () => [scaleOf(), (i) => Math.round(255 * Math.max(0, Math.min(1, (made.day[i] - first) / (last - first || 1))))],
    likeness: () => [scaleOf(), (i) => Math.round((255 * Math.max(0, (likeness?.values[i] ?? 0) - chart.half)) / (255 - chart.half))],
  }[colouring]();
  const area = asked.among ? readArea(asked.among, made.state) : null;
  const values = likeness ? likeness.values.slice() : new Uint8Array(made.count).fill(255);
  for (let i = 0; area && i < made.count; i += 1) {
    const [x, y] = [made.places[2 * i], made.places[2 * i + 1]];
    if (area.corners ? !inside(area.corners, x, y) : made.cluster[i] !== area.cluster) values[i] = 0;
  }
  const line = likeness?.searched ? lineOf(values) : 0;
  const rest = line && colouring !== 'likeness' ? MOOD.dim : MOOD.plain;
  chart.moods = values.map((one) => (!one ? MOOD.dim : line && one >= line ? MOOD.strong : rest));
  points?.load(made.places, (i) => chart.colours[chart.colourAt(i)] ?? tokens.muted, chart.moods);
  effort.loads += 1;
  redraw();
};
// From which value on photographs count as found: as many as the search says lie above its line, or
// the best 24 where it draws none. 0 where nothing fits, so that nothing stands out.
const lineOf = (values) => {
  const wanted = answer?.searched ? answer.above ?? 24 : 24;
  if (!wanted) return 0;
  const many = new Uint32Array(256);
  for (const value of values) many[value] += 1;
  let line = 255;
  for (let sum = many[255]; line > 1 && sum < wanted; sum += many[line]) line -= 1;
  return line;
};
const medianOf = (values) => Math.min(254, Uint8Array.from(values).sort()[values.length >> 1]);
const cosineOf = (value) => chart.likeness.low + (Math.max(0, value - 1) / 254) * (chart.likeness.high - chart.likeness.low);
const decoded = (told) => {
  const { count } = told;
  const of = (Kind, coded) => (coded ? new Kind(bytesOf(coded).buffer) : new Kind(0));
  const places = of(Uint16Array, told.points);
  const box = [UNITS, UNITS, 0, 0];
  for (let i = 0; i < count; i += 1) {
    const [x, y] = [places[2 * i], places[2 * i + 1]];
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  }
  return {
    ...told, places, faces: null, box: count ? box : [0, 0, UNITS, UNITS], points: null,
    cluster: of(Uint8Array, told.cluster), day: of(Int32Array, told.day), folder: of(Uint8Array, told.folder),
  };
};
// The photograph that stands for a cluster: that in the place which the server told.
const faceOf = ({ id, x, y }) => {
  const { made } = chart;
  for (let i = 0; i < made.count; i += 1) {
    if (made.cluster[i] === id && made.places[2 * i] === x && made.places[2 * i + 1] === y) return i;
  }
  return -1;
};
// Where nine tenths of a cluster lie.
const boxOf = (cluster) => {
  const members = [[], []];
  const { made } = chart;
  for (let i = 0; i < made.count; i += 1) {
    if (made.cluster[i] === cluster) { members[0].push(made.places[2 * i]); members[1].push(made.places[2 * i + 1]); }
  }
  const [xs, ys] = members.map((one) => one.sort((a, b) => a - b));
  const part = (all, share) => all[Math.round(share * (all.length - 1))];
  return [part(xs, 0.05), part(ys, 0.05), part(xs, 0.95), part(ys, 0.95)];
};
// The point that is nearest to a place of the window, within `reach` pixels; -1 for none.
const nearest = (px, py, reach) => {
  const { made } = chart;
  const [x, y] = unitsAt(px, py);
  let best = (reach / camera.zoom) ** 2;
  let found = -1;
  for (let i = 0; made && i < made.count; i += 1) {
    const far = (made.places[2 * i] - x) ** 2 + (made.places[2 * i + 1] - y) ** 2;
    // What is dim is taken only where nothing else is.
    const counted = chart.moods[i] === MOOD.dim ? far * 9 : far;
    if (counted < best) { best = counted; found = i; }
  }
  return found;
};

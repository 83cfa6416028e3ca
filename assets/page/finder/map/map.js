// The map of a gallery in place of the columns: what is asked of the server, and when it is drawn.
const mapPlace = find('.map');
const plane = find('.map .plane');
const points = makePoints(find('.map .points'));
find('.map .points').addEventListener('restored', () => paint());
let frameOfMap = 0;
const redraw = () => {
  if (!frameOfMap) frameOfMap = requestAnimationFrame((now) => { frameOfMap = 0; drawMap(now); });
};
// Where the points take longer than a frame may, fewer are drawn while the map moves, and all of
// them once it rests: 100,000 take 60 ms where there is no GPU.
const effort = { share: 1, last: 0, rest: 0, drawn: '', seen: '', loads: 0 };
const shareNow = (now) => {
  const took = now - effort.last;
  effort.last = now;
  if (took > 150) return effort.share; // it begins to move
  if (took > 30) effort.share = Math.max(0.08, effort.share * 0.7);
  else if (took < 20) effort.share = Math.min(1, effort.share * 1.05);
  clearTimeout(effort.rest);
  if (effort.share < 1) effort.rest = setTimeout(() => drawPoints(1), 140);
  return effort.share;
};
const drawPoints = (share) => {
  const canvas = find('.map .points');
  const { count } = chart.made;
  const ratio = canvas.width / camera.width;
  const { x, y, zoom } = camera;
  const now = [x, y, zoom, canvas.width, canvas.height, share, effort.loads].join();
  if (now === effort.drawn) return;
  effort.drawn = now;
  // As large as the gaps between them allow, from 2 pixels to 10.
  const size = Math.max(2, Math.min(10, gapNow() / Math.sqrt(zoom / camera.fitted)));
  points?.draw({ x, y, zoom: zoom * ratio }, canvas.width, canvas.height, size * ratio, count > 5000 ? 0.7 : 0.92, share);
};
const drawMap = (now) => {
  if (!asMap || !chart.made?.count || !camera.width) return;
  const { x, y, zoom } = camera;
  const seen = [x, y, zoom].join();
  drawPoints(seen === effort.seen ? 1 : shareNow(now));
  effort.seen = seen;
  drawOver(now);
  if (steering.hovered >= 0) drawPeek();
};
const measure = () => {
  const { clientWidth: width, clientHeight: height } = plane;
  if (!width || (width === camera.width && height === camera.height)) return;
  const whole = showsAll();
  const [x, y] = whole ? [0, 0] : unitsAt(camera.width / 2, camera.height / 2);
  Object.assign(camera, { width, height });
  const ratio = Math.min(2, devicePixelRatio);
  for (const one of plane.querySelectorAll('canvas')) { one.width = width * ratio; one.height = height * ratio; }
  if (!chart.made) return;
  camera.fitted = viewOf(chart.made.box).zoom;
  place(whole ? viewOf(chart.made.box) : { x: x - width / 2 / camera.zoom, y: y - height / 2 / camera.zoom, zoom: camera.zoom });
};
new ResizeObserver(measure).observe(plane);

const KNOBS = { lasso: 'map_lasso', nearer: 'map_nearer', farther: 'map_farther', home: 'map_home' };
const drawKnobs = () => {
  for (const [one, key] of Object.entries(KNOBS)) {
    const knob = find(`.map .${one}`);
    knob.ariaLabel = say(key);
    knob.title = say(key);
  }
  find('.map .lasso').ariaPressed = String(steering.lassoing);
  plane.classList.toggle('lassoing', steering.lassoing);
  const touch = matchMedia('(pointer: coarse)').matches;
  find('.map .hint').textContent = say(steering.lassoing ? 'map_lasso_hint' : touch ? 'map_touch_hint' : 'map_hint');
};
find('.map .lasso').addEventListener('click', () => { steering.lassoing = !steering.lassoing; drawKnobs(); over.focus({ preventScroll: true }); });
find('.map .nearer').addEventListener('click', () => travel(zoomed(1.8)));
find('.map .farther').addEventListener('click', () => travel(zoomed(1 / 1.8)));
find('.map .home').addEventListener('click', home);

// What stands in place of the map, while there is none.
const drawMaking = () => {
  const { progress, told } = chart;
  const made = chart.of === gallery ? chart.made : null;
  const box = find('.map .making');
  const empty = made && !made.count;
  const there = Boolean(made?.count) && Boolean(points);
  box.hidden = there && !progress && !told;
  box.classList.toggle('quiet', there); // a map that is drawn anew can still be looked at
  const said = told ? both(told) : progress ? both(progress.said) : empty ? say('find_empty') : !points ? say('map_no_webgl') : say('map_waiting');
  if (box.firstElementChild.textContent !== said) box.firstElementChild.textContent = said;
  const bar = box.querySelector('.bar');
  bar.hidden = !progress;
  if (progress) bar.firstElementChild.style.width = `${(100 * progress.done) / (progress.total || 1)}%`;
  const button = box.querySelector('button');
  button.hidden = !progress && !told;
  button.textContent = say(progress ? 'map_stop' : 'map_again');
  find('.map .knobs').hidden = !there;
  find('.map .hint').hidden = !box.hidden;
  over.ariaLabel = made?.count ? say('map_label', { number: number(made.count) }) : '';
  over.tabIndex = made?.count ? 0 : -1;
};
find('.map .making button').addEventListener('click', () => {
  if (chart.progress) { trigger('halt', {}); return; }
  chart.stale = true;
  askMap();
});
const drawViews = () => {
  // Of a gallery that cannot be searched there is no map either; what is wrong is said above.
  mapPlace.hidden = !asMap || Boolean(problem?.panel || (problem && !chart.made));
  board.hidden = asMap;
  for (const [one, on] of [['grid', !asMap], ['chart', asMap]]) {
    const button = find(`.views .${one}`);
    button.ariaPressed = String(on);
    button.lastElementChild.textContent = say(`map_as_${one}`);
    button.title = say(`map_as_${one}`);
  }
  find('.views').ariaLabel = say('map_views');
  find('.size').hidden = asMap;
  if (asMap) find('.sort').hidden = true;
};
const view = (chosen) => {
  if (asMap === chosen) return;
  asMap = chosen;
  address.set(inAddress(), { push: true });
  showView();
  if (asMap) find('.search').scrollIntoView({ block: 'start' }); // so that the window holds all of it
};
const showView = () => {
  drawer.hidden ||= (hide(), true);
  draw();
  if (asMap) askMap(); else layOut();
};
find('.views .grid').addEventListener('click', () => view(false));
find('.views .chart').addEventListener('click', () => view(true));

// The map is asked for once what was searched is answered: by then the gallery is there.
const askMap = () => {
  if (!asMap || !(answer || asked.among) || problem?.panel) return;
  measure();
  if (answer) {
    chart.stale ||= chart.images !== null && chart.images !== answer.images;
    chart.images = answer.images;
  }
  if (chart.stale) {
    chart.stale = false;
    Object.assign(chart, { id: (asks += 1), progress: null, told: null });
    trigger('map', { id: chart.id, looking: chart.of === gallery && !showsAll() ? lookedAt() : [] });
    drawMaking();
  } else if (chart.made) askLikeness();
};
// The index may be written to without this page's knowing; once a question, as it may go on.
const renewMap = () => {
  Object.assign(chart, { stale: true, compared: '' });
  if (chart.renewed === turn) return;
  chart.renewed = turn;
  askMap();
};
const askLikeness = () => {
  const { made } = chart;
  const { among, by_date: byDate, ...rest } = asked;
  const searched = asked.query || asked.exclude || asked.pictures.length || asked.liked.length;
  const now = JSON.stringify([made.state, rest]);
  if (made.count && (searched || sieved()) && now !== chart.compared) {
    chart.likenessId = asks += 1;
    trigger('likeness', { id: chart.likenessId, state: made.state, asked: { ...asked, offset: 0 } });
  } else if (!searched && !sieved()) chart.likeness = null;
  chart.compared = now;
  paint();
  drawLegend();
};
// What is looked at: of the photographs that can be seen, those nearest to the middle.
const lookedAt = () => laid.map(({ point, x, y }) => [Math.hypot(x - camera.width / 2, y - camera.height / 2), thumbs.get(point)?.row?.hash])
  .filter(([, hash]) => hash).sort(([one], [other]) => one - other).slice(0, 12).map(([, hash]) => hash);
// A map takes in what is new without moving the rest; one that is drawn anew has hardly a place in
// common with the one before.
const hasGrown = (before, now) => {
  const there = new Set(new Uint32Array(before.places.buffer));
  return new Uint32Array(now.places.buffer).filter((one) => there.has(one)).length > now.count / 2;
};
// The view of this map that shows what that of the one before did: the same, where that has grown;
// else the middle of the same photographs, as near. All of it if there is none before.
const viewAfter = (before, seen) => {
  const { made } = chart;
  const all = viewOf(made.box);
  const zoom = (camera.zoom * all.zoom) / camera.fitted;
  camera.fitted = all.zoom;
  if (!before?.count || !made.count) return all;
  if (hasGrown(before, made)) return { x: camera.x, y: camera.y, zoom: camera.zoom };
  if (!seen.length) return all;
  const [x, y] = [0, 1].map((axis) => seen.map((one) => made.places[2 * one + axis]).sort((a, b) => a - b)[seen.length >> 1]);
  return { x: x - camera.width / 2 / zoom, y: y - camera.height / 2 / zoom, zoom };
};
window.addEventListener('clipapp:map-made', ({ detail: told }) => {
  if (!told || told.id !== chart.id) return;
  chart.progress = told.progress ?? null;
  if (told.progress) { drawMaking(); return; }
  chart.told = told.problem ?? (told.stopped ? { en: props.words.en.map_stopped, zh: props.words.zh.map_stopped } : null);
  if (told.points !== undefined) {
    const same = chart.made?.state === told.state;
    const before = chart.of === gallery && !showsAll() ? chart.made : null;
    Object.assign(chart, { made: decoded(told), of: gallery });
    if (!same) {
      Object.assign(chart, { likeness: null, compared: '' });
      thumbs.clear();
      steering.hovered = -1;
      if (camera.width) { stay(); place(viewAfter(before, told.looked_at)); }
    }
    askLikeness();
  }
  if (chart.seeking && asked.among) {
    if (readArea(asked.among, chart.made?.state)) ask(); else letAreaGo();
  }
  chart.seeking = false;
  draw();
});
window.addEventListener('clipapp:map-likeness', ({ detail: told }) => {
  if (!told || told.id !== chart.likenessId) return;
  chart.likeness = told.problem ? null : { ...told, values: bytesOf(told.values) };
  if (told.old_map) renewMap();
  else if (told.problem) chart.told = told.problem;
  else chart.half = medianOf(chart.likeness.values);
  paint();
  drawLegend();
  drawMaking();
});
const forgetMap = () => { Object.assign(chart, { stale: true, id: 0 }); };
new MutationObserver(() => { if (asMap) { readTokens(); paint(); drawLegend(); } })
  .observe(document.body, { attributeFilter: ['class'] });
const drawChart = () => {
  drawViews();
  if (!asMap) return;
  readTokens();
  drawKnobs();
  drawMaking();
  drawLegend();
  redraw();
};

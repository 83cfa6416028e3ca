// Which part of the map the window shows: its upper left corner in the map's units, and pixels a unit.
const MARGIN = 56; // pixels around the whole map
const EDGE = 72; // pixels from the edge of the window, where buttons lie, at which a point counts as seen
const NEAREST = 2; // pixels a unit; nearer, the steps between places could be seen
const camera = { x: 0, y: 0, zoom: 0.01, width: 0, height: 0, fitted: 0.01, moving: 0 };
const calmly = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
const across = (x) => (x - camera.x) * camera.zoom;
const down = (y) => (y - camera.y) * camera.zoom;
const unitsAt = (px, py) => [camera.x + px / camera.zoom, camera.y + py / camera.zoom];
// The view of which `box` [left, top, right, bottom] is the middle, and which holds all of it.
const viewOf = ([left, top, right, bottom], margin = MARGIN) => {
  const roomy = Math.min(margin, camera.width / 12, camera.height / 8);
  const zoom = Math.min(
    (camera.width - 2 * roomy) / Math.max(1, right - left), (camera.height - 2 * roomy) / Math.max(1, bottom - top), NEAREST);
  return {
    x: (left + right - camera.width / zoom) / 2, y: (top + bottom - camera.height / zoom) / 2, zoom,
  };
};
// Whether the window shows all of the map, and goes on doing so whatever becomes of either.
const showsAll = () => {
  if (!chart.made || !camera.width) return true;
  const { x, y, zoom } = viewOf(chart.made.box);
  return Math.abs(zoom / camera.zoom - 1) < 0.001 && Math.hypot(x - camera.x, y - camera.y) * zoom < 1;
};
const stay = () => { cancelAnimationFrame(camera.moving); camera.moving = 0; };
const between = (value, least, most) => Math.max(least, Math.min(most, value));
// The same view, moved no more than is needed for its middle to be on the map and a point to be in it.
const inView = ({ x, y, zoom }) => {
  const [width, height] = [camera.width / zoom, camera.height / zoom];
  const left = between(x + width / 2, 0, UNITS) - width / 2;
  const top = between(y + height / 2, 0, UNITS) - height / 2;
  const edge = Math.min(EDGE / zoom, width / 4, height / 4);
  const { places, count } = chart.made ?? { count: 0 };
  let [closest, dx, dy] = [Infinity, 0, 0];
  for (let i = 0; i < count && closest; i += 1) {
    const [px, py] = [places[2 * i], places[2 * i + 1]];
    const [farX, farY] = [px - between(px, left + edge, left + width - edge), py - between(py, top + edge, top + height - edge)];
    const far = farX ** 2 + farY ** 2;
    if (far < closest) [closest, dx, dy] = [far, farX, farY];
  }
  return { x: left + dx, y: top + dy, zoom };
};
const lookAt = (view) => { Object.assign(camera, view); redraw(); };
const place = (view) => lookAt(inView(view));
// Moves there in a third of a second, the logarithm of the zoom evenly.
const travel = (wanted) => {
  stay();
  const view = inView(wanted);
  tellView();
  if (calmly()) { lookAt(view); return; }
  const from = { x: camera.x + camera.width / 2 / camera.zoom, y: camera.y + camera.height / 2 / camera.zoom, zoom: camera.zoom };
  const to = { x: view.x + camera.width / 2 / view.zoom, y: view.y + camera.height / 2 / view.zoom, zoom: view.zoom };
  const began = performance.now();
  const move = (now) => {
    const share = Math.min(1, Math.max(0, now - began) / 350);
    const eased = share * share * (3 - 2 * share);
    const zoom = from.zoom * (to.zoom / from.zoom) ** eased;
    // What is to be seen grows as the window does, so that the way bends neither in nor out.
    const bent = Math.abs(to.zoom / from.zoom - 1) < 0.01 ? eased
      : (1 / zoom - 1 / from.zoom) / (1 / to.zoom - 1 / from.zoom);
    const [x, y] = [from.x + (to.x - from.x) * bent, from.y + (to.y - from.y) * bent];
    camera.moving = share < 1 ? requestAnimationFrame(move) : 0;
    lookAt({ x: x - camera.width / 2 / zoom, y: y - camera.height / 2 / zoom, zoom });
  };
  camera.moving = requestAnimationFrame(move);
};
const zoomed = (factor, px = camera.width / 2, py = camera.height / 2) => {
  const zoom = Math.max(camera.fitted / 2, Math.min(NEAREST, camera.zoom * factor));
  const [x, y] = unitsAt(px, py);
  return { x: x - px / zoom, y: y - py / zoom, zoom };
};
const panned = (dx, dy) => ({ x: camera.x + dx / camera.zoom, y: camera.y + dy / camera.zoom, zoom: camera.zoom });

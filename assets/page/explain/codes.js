// Vectors as pictures: a stripe a number, which all stand in the same columns.
const SVG = 'http://www.w3.org/2000/svg';
const SHADES = 8;
const svg = (kind, properties, ...children) => {
  const node = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(properties)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const drawing = (box, ...children) =>
  svg('svg', { viewBox: box.join(' '), preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...children);

/** A bar code: the sign is the colour; the farther from 0, the stronger, full at 2.5 times the usual. */
const barCode = (vector) => {
  const full = 2.5 * Math.sqrt(mean(vector.map((one) => one * one)));
  const paths = new Map();
  vector.forEach((one, column) => {
    const shade = Math.min(SHADES, Math.ceil((SHADES * Math.abs(one)) / full));
    const kind = `${one < 0 ? 'below' : 'above'} ${shade}`;
    paths.set(kind, `${paths.get(kind) ?? ''}M${column} 0h1v1h-1z`);
  });
  return drawing([0, 0, vector.length, 1], ...[...paths].map(([kind, d]) => {
    const [sign, shade] = kind.split(' ');
    return svg('path', { d, class: sign, opacity: shade / SHADES });
  }));
};

/** Bars up from the middle where a product is above 0, else down. */
const upAndDown = (products) => {
  const most = Math.max(...products.map(Math.abs));
  const bars = (kind, fits) => svg('path', { class: kind, d: products
    .map((one, column) => (fits(one) ? `M${column} 0h1v${(-one / most).toFixed(4)}h-1z` : '')).join('') });
  return drawing([0, -1, products.length, 2], bars('agree', (one) => one > 0), bars('differ', (one) => one < 0));
};

/** What each of several lists of numbers comes to from left to right. */
const runningSums = (lists) => lists.map((list) => {
  let total = 0;
  return list.map((one) => (total += one));
});

/** Lines of `sums`, the one at `chosen` on top; `colours` are CSS colours. */
const sumLines = (sums, chosen, colours) => {
  const all = [0, ...sums.flat()];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = 0.08 * (high - low);
  const line = (list, place) => svg('polyline', {
    points: [`0,0`, ...list.map((one, column) => `${column + 1},${(-one).toFixed(5)}`)].join(' '),
    class: place === chosen ? 'line chosen' : 'line', style: `stroke: ${colours[place]}`,
  });
  const order = sums.map((_, place) => place).filter((place) => place !== chosen);
  const box = [0, -high - room, sums[0].length, high - low + 2 * room];
  const zero = svg('line', { x1: 0, x2: sums[0].length, y1: 0, y2: 0, class: 'zero' });
  const made = drawing(box, zero, ...[...order, chosen].map((place) => line(sums[place], place)));
  return { made, height: (one) => (high + room - one) / (high - low + 2 * room) };
};

/** The photograph as the model takes it: what lies in `box`, in so many pixels. */
const drawPixels = (canvas, photo, { width, height, box }) => {
  const [left, top, right, bottom] = box;
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  const [across, down] = [width / (right - left), height / (bottom - top)];
  if (photo?.naturalWidth) pen.drawImage(photo, -left * across, -top * down, across, down);
};

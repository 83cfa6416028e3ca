// Areas of the map: a line around some points, as it goes to the server and into the address.
const UNITS = 65536; // of the map, in both directions
const CORNERS = 64; // of an area; a drawn line has hundreds

const inside = (corners, x, y) => {
  let odd = false;
  for (let i = 0, j = corners.length - 2; i < corners.length; j = i, i += 2) {
    const [xi, yi, xj, yj] = [corners[i], corners[i + 1], corners[j], corners[j + 1]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
};
// The corners that matter most: those whose triangle with their neighbours is smallest go first.
const simplified = (drawn) => {
  const corners = [];
  for (const one of drawn) {
    const last = corners.at(-1);
    if (!last || last[0] !== one[0] || last[1] !== one[1]) corners.push(one);
  }
  const size = ([ax, ay], [bx, by], [cx, cy]) => Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay));
  while (corners.length > CORNERS) {
    let least = 0;
    let smallest = Infinity;
    for (let i = 0; i < corners.length; i += 1) {
      const now = size(corners.at(i - 1), corners[i], corners[(i + 1) % corners.length]);
      if (now < smallest) { smallest = now; least = i; }
    }
    corners.splice(least, 1);
  }
  return corners;
};
const areaOf = (state, drawn) => {
  const clamped = drawn.map((one) => one.map((value) => Math.max(0, Math.min(UNITS - 1, Math.round(value)))));
  const corners = simplified(clamped);
  if (corners.length < 3) return '';
  const bytes = new Uint8Array(Uint16Array.from(corners.flat()).buffer);
  const coded = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `${state}.${coded}`;
};
const bytesOf = (coded) => {
  const text = atob(coded.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
};
// What `asked.among` says: a cluster, or corners; nothing of what is no area of this map.
const readArea = (among, state) => {
  const [of, what = ''] = among.split('.');
  if (!what || of !== state) return null;
  if (/^c\d+$/.test(what)) return { cluster: Number(what.slice(1)) };
  try {
    return { corners: new Uint16Array(bytesOf(what).buffer) };
  } catch {
    return null; // an address may hold anything
  }
};

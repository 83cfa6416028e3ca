// Beside the map: what its colours mean, its clusters as buttons, and the words that are searched.
const scaleShown = () => {
  const { made, likeness, colouring } = chart;
  const [from, to] = ends();
  const day = (one) => new Date(one * 86_400_000).toISOString().slice(0, 10);
  const [low, high] = colouring === 'date' ? made.days.map(day) : [`≤ ${decimal(cosineOf(chart.half), 2)}`, decimal(likeness.high, 2)];
  return make('div', { className: 'scale' },
    make('i', { style: `background:linear-gradient(90deg in srgb, ${css(from)}, ${css(to)})` }),
    make('p', {}, make('span', {}, low), make('span', {}, high)));
};
const dotOf = (i) => make('i', { className: 'dot', style: `background:${css(hueOf(i))}` });
const foldersShown = () => make('ul', { className: 'folders' }, ...chart.made.folders.map((one, i) =>
  make('li', {}, dotOf(i), make('span', { title: named(one) }, named(one)), make('small', {}, number(one.count)))));
// What a cluster is about is seen, too: some have no name.
const faceShown = (one) => {
  chart.made.faces ??= chart.made.clusters.map(faceOf);
  const row = want(chart.made.faces[one.id])?.row;
  return make('img', { alt: '', className: 'face', ...(row ? { src: served(row.thumbnail) } : {}) });
};
const clustersShown = () => chart.made.clusters.map((one) => {
  const area = readArea(asked.among, chart.made.state);
  const chosen = area?.cluster === one.id;
  const values = { name: named(one), number: number(one.size) };
  const see = make('button', { type: 'button', className: 'see', ariaLabel: say('map_see', values) },
    ...(chart.colouring === 'cluster' ? [dotOf(one.id)] : []), faceShown(one), make('span', {}, named(one)), make('small', {}, number(one.size)));
  see.addEventListener('click', () => goTo(one.id));
  const only = make('button', {
    type: 'button', className: 'only', ariaPressed: String(chosen), ariaLabel: say('map_only', values), title: say('map_only', values) });
  only.addEventListener('click', () => set({ among: chosen ? '' : `${chart.made.state}.c${one.id}` }));
  return make('li', {}, see, only);
});
const wordsShown = () => {
  const terms = chart.likeness?.terms ?? [];
  if (!terms.length) return [];
  const round = (value) => decimal(value, 2);
  return [make('section', { className: 'words' }, make('h4', {}, say('map_words')),
    ...terms.map((one) => make('p', {}, make('b', {}, `◆ ${one.weight < 0 ? '− ' : ''}${one.text}`), ' ', say(one.among === null ? 'map_word_alone' : 'map_word', {
      cosine: round(one.cosine), among: round(one.among ?? 0) }))),
    ...(terms.some((one) => !one.picture) ? [make('p', { className: 'why' }, say('map_why'))] : []))];
};
const drawLegend = () => {
  const box = find('.map .key');
  const { made } = chart;
  box.hidden = !made?.count;
  if (!made?.count) return;
  const pressed = document.activeElement?.closest('.key button')?.ariaLabel;
  const ways = make('div', { className: 'ways', role: 'group', ariaLabel: say('map_colour') }, ...COLOURINGS.map((one) => {
    const way = make('button', { type: 'button', className: 'pill', ariaLabel: say(`map_by_${one}`), ariaPressed: String(chart.colouring === one) }, say(`map_by_${one}`));
    way.disabled = one === 'likeness' && !chart.likeness?.searched;
    if (way.disabled) way.title = say('map_search_first');
    way.addEventListener('click', () => { chart.colouring = one; stored('map-colours', one); paint(); drawLegend(); });
    return way;
  }));
  box.replaceChildren(
    make('h4', {}, say('map_colour')), ways,
    ...(chart.colouring === 'date' || (chart.colouring === 'likeness' && chart.likeness?.searched) ? [scaleShown()] : []),
    ...(chart.colouring === 'folder' ? [foldersShown()] : []),
    ...wordsShown(),
    make('h4', {}, say('map_clusters')),
    make('ul', { className: 'clusters', ariaLabel: say('map_clusters') }, ...clustersShown()));
  if (pressed) [...box.querySelectorAll('button')].find((one) => one.ariaLabel === pressed)?.focus({ preventScroll: true });
};

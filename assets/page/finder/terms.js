// What is asked for besides the words, as chips in the bar.
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
const areaSaid = () => {
  const { cluster } = readArea(asked.among, chart.made?.state) ?? {};
  const known = chart.made?.clusters[cluster];
  if (known) return say('map_cluster_chip', { name: both(known.name) });
  return waiting || !Number.isInteger(answer?.among) ? say('map_area_chip') : say('map_area_chip_counted', { number: number(answer.among) });
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
    ...(asked.among ? [term(areaSaid(), null, () => set({ among: '' }))] : []),
    ...(areaLost ? [Object.assign(
      term(say('map_area_old'), null, () => { areaLost = false; drawTerms(); }), { className: 'term note' })] : []),
    ...asked.kinds.map((one) => term(kindSaid(one), null,
      () => set({ kinds: asked.kinds.filter((other) => other !== one) }))),
    ...(asked.from || asked.until ? [term(datesSaid(), null, () => set({ from: '', until: '' }))] : []),
    ...asked.keywords.map((one) => term(say('find_keyword_chip', { name: one }), null,
      () => set({ keywords: asked.keywords.filter((other) => other !== one) }))),
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

// What is subtracted moves from the field into chips once a search is sent, not while one types.
const chipped = ({ wanted, unwanted }) => {
  if (!unwanted.length || query.value.trim() !== asked.query) return;
  before = { query: asked.query, exclude: asked.exclude };
  query.value = wanted;
  asked = { ...asked, query: wanted, exclude: [asked.exclude, ...unwanted].filter(Boolean).join(', ') };
  address.set({ q: asked.query, no: asked.exclude });
};
find('.understood').lastChild.addEventListener('click', () => {
  asked = { ...asked, ...before, literal: true };
  before = null;
  query.value = asked.query;
  address.set(inAddress());
  drawTerms();
  ask();
});

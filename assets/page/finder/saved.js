// Searches to try, and those that were saved.
let kept = [];
let offered = []; // the pills of what is suggested
const drawTries = () => {
  const box = find('.tries');
  const use = (one) => () => {
    held = false;
    query.value = one.query ?? one;
    asked = { ...asked, liked: [], literal: false, ...(one.name ? {
      exclude: one.exclude, below: one.below, kinds: one.kinds, from: one.from, until: one.until, keywords: one.keywords ?? [], among: '' } : {}) };
    asked.query = query.value;
    step();
  };
  const saved = kept.flatMap((one) => {
    const off = make('button', { type: 'button', className: 'x', ariaLabel: say('find_drop', one) }, '×');
    off.addEventListener('click', () => keep({ drop: one.name }));
    return [pill(`★ ${one.name}`, { act: use(one) }), off];
  });
  const tries = answer?.is_examples ? props.tries.map((one) => one[language()]) : [];
  offered = tries.map((one) => pill(one, { pressed: asked.query === one, act: use(one) }));
  const canKeep = asked.query && answer?.total && answer?.searched && !kept.some((one) => one.query === asked.query);
  const keeper = canKeep ? [pill(`☆ ${say('find_keep')}`, { act: () => keep({ name: asked.query }) })] : [];
  box.ariaLabel = say('find_try');
  const unfiltered = { below: '', kinds: [], from: '', until: '', keywords: [], among: '' };
  const opener = answer && !answer.total && filtered()
    ? [pill(say('find_clear_filters'), { act: () => set(unfiltered) })] : [];
  box.replaceChildren(
    ...opener,
    ...keeper, ...saved,
    ...(tries.length ? [make('span', { className: 'lead' }, say('find_try')), ...offered] : []),
  );
  fitTries();
};
// As many as fill the line of the first; where they are swiped, all of them are in it.
const fitTries = () => {
  const focused = offered.find((one) => one === document.activeElement);
  for (const one of offered) one.hidden = false;
  const lines = offered.map((one) => one.offsetTop);
  offered.forEach((one, at) => { one.hidden = lines[at] > lines[0]; });
  if (focused?.hidden) offered.findLast((one) => !one.hidden).focus();
};
new ResizeObserver(fitTries).observe(find('.tries'));
const keep = (change) => {
  if (answer.kept) { trigger('keep', { ...change, asked: { ...asked, offset: 0 }, id: (asks += 1) }); return; }
  // On a page that others reach too, what one keeps is kept in one's own browser.
  const { query: words, exclude, below, kinds, from, until, keywords } = asked;
  kept = kept.filter((one) => one.name !== (change.drop ?? change.name));
  if (change.name) kept.unshift({ name: change.name, query: words, exclude, below, kinds, from, until, keywords });
  stored('searches', JSON.stringify(kept.slice(0, 200)));
  drawTries();
};
window.addEventListener('clipapp:kept', ({ detail: told }) => {
  if (!told) return;
  if (told.problem) { fail({ said: told.problem }); return; }
  kept = told.kept;
  drawTries();
});

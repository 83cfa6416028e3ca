// How many pictures there are, and the panel in which they are filtered.
const number = (count) => count.toLocaleString(language());
const counted = () => {
  const place = find('.count');
  if (waiting) { place.textContent = say('find_searching'); return; }
  if (!answer) { place.textContent = ''; return; }
  const { total, above, searched } = answer;
  const values = { total: number(total), above: number(above ?? 0), rest: number(total - (above ?? 0)) };
  let key = asMap ? 'map_all' : 'find_all';
  if (!total) key = filtered() ? 'find_nothing' : 'find_empty';
  else if (searched && above === null) key = 'find_ranked';
  else if (searched) key = !above ? 'find_split_none' : above === total ? 'find_split_all' : 'find_split';
  place.textContent = say(key, values);
};
const sieved = () => Boolean(asked.below || asked.kinds.length || asked.from || asked.until || asked.keywords.length);
const filtered = () => sieved() || Boolean(asked.among);
const pill = (words, { pressed, count, act }) => {
  const one = make('button', { type: 'button', className: 'pill' }, make('span', {}, words));
  if (count !== undefined) one.append(make('small', {}, number(count)));
  if (pressed !== undefined) one.ariaPressed = String(pressed);
  one.addEventListener('click', act);
  return one;
};
// A dot stands for files without an ending.
const kindSaid = (one) => (one === '.' ? say('find_no_ending') : one);
const drawFilters = () => {
  const { folders, kinds, years, keywords } = answer?.facets ?? { folders: [], kinds: [], years: [], keywords: [] };
  const box = find('.choices');
  const group = (key, ...children) => {
    const one = make('div', { className: 'choice' }, make('b', {}, say(key)), ...children);
    one.setAttribute('role', 'group');
    one.ariaLabel = say(key);
    return one;
  };
  const parts = asked.below ? asked.below.split('/') : [];
  const path = parts.map((one, depth) => pill(`${one} ×`, {
    pressed: true, act: () => set({ below: parts.slice(0, depth).join('/') }) }));
  const inside = folders.slice(0, 60).map(([one, count]) => pill(one, {
    count, act: () => set({ below: [...parts, one].join('/') }) }));
  const shownKinds = kinds.map(([one]) => one);
  const types = [...kinds, ...asked.kinds.filter((one) => !shownKinds.includes(one)).map((one) => [one])]
    .map(([one, count]) => pill(kindSaid(one), { count, pressed: asked.kinds.includes(one), act: () => set({
      kinds: asked.kinds.includes(one) ? asked.kinds.filter((other) => other !== one) : [...asked.kinds, one] }) }));
  const year = yearAsked();
  const byYear = years.map(([one, count]) => pill(one, { count, pressed: year === one, act: () => set(
    year === one ? { from: '', until: '' } : { from: `${one}-01-01`, until: `${one}-12-31` }) }));
  const words = [...asked.keywords.map((one) => [one]), ...keywords.filter(([one]) => !asked.keywords.includes(one))];
  const byKeyword = words.map(([one, count]) => pill(one, { count, pressed: asked.keywords.includes(one), act: () => set({
    keywords: asked.keywords.includes(one) ? asked.keywords.filter((other) => other !== one) : [...asked.keywords, one] }) }));
  const date = (key, part) => {
    const input = make('input', { type: 'date', value: asked[part], ariaLabel: say(key) });
    input.addEventListener('change', () => set({ [part]: input.value }));
    return make('label', {}, say(key), ' ', input);
  };
  const without = make('input', { type: 'text', value: asked.exclude, ariaLabel: say('find_without_label') });
  without.addEventListener('change', () => set({ exclude: without.value }));
  const called = (one) => one.ariaLabel ?? one.firstChild.textContent.replace(' ×', '');
  const focused = box.contains(document.activeElement) && called(document.activeElement);
  box.replaceChildren(
    group('find_without', without),
    ...(path.length || inside.length ? [group('find_folder', ...path, ...inside)] : []),
    ...(types.length > 1 || asked.kinds.length ? [group('find_kind', ...types)] : []),
    ...(byYear.length > 1 || year ? [group('find_year', ...byYear)] : []),
    ...(byKeyword.length ? [group('find_keyword', ...byKeyword)] : []),
    group('find_date', date('find_from', 'from'), date('find_until', 'until'), make('small', {}, say('find_dates'))),
  );
  if (focused) ([...box.querySelectorAll('button, input')].find((one) => called(one) === focused) ?? find('summary')).focus();
  find('.filters > summary').textContent = say('find_filters');
};
const filters = find('.filters');
document.addEventListener('pointerdown', ({ target }) => { if (!filters.contains(target)) filters.open = false; });
document.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape' || !filters.open) return;
  filters.open = false;
  filters.firstElementChild.focus();
});

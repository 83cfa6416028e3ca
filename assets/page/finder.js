// The search page as a whole. Its subjects lie in `finder/`, a file each: what is asked for
// (`asking`, `terms`, `pictures`, `filters`, `saved`) and what is shown (`answers`, `board`,
// `drawer`, `selection`, and the gallery as a map, in `map/`). They are one script, read in the
// order of BROWSER_SIDE (ui/tabs/gallery/finder.py): a function may call any other, but what runs as the script is read needs what it uses before it.
const draw = () => {
  query.ariaLabel = say('find_field');
  query.placeholder = say('find_placeholder');
  query.title = say('find_hint');
  find('.go').textContent = say('find_go');
  find('.weight-name').textContent = say('find_weight');
  find('.weight-words').textContent = say('find_weight_words');
  find('.weight-pictures').textContent = say('find_weight_pictures');
  find('.sort span').textContent = say('find_sort');
  find('.size span').textContent = say('find_size');
  const sort = find('.sort select');
  sort.replaceChildren(...['find_by_rank', 'find_by_date'].map((key) => make('option', { value: key }, say(key))));
  const chooser = find('.gallery select');
  chooser.ariaLabel = say('gallery_folder');
  chooser.replaceChildren(...galleries.map((one) => make('option', { value: one.folder }, both(one.name))));
  chooser.value = (galleries.find((one) => one.key === gallery) ?? first())?.folder ?? '';
  for (const one of ['add', 'tidy', 'copies', 'picture']) find(`.${one}`).textContent = say(`find_${one}`);
  find('.picture').title = say('find_picture'); // on a phone it is a sign
  sort.value = asked.by_date ? 'find_by_date' : 'find_by_rank';
  find('.sort').hidden = !answer?.searched;
  find('.size input').value = String(tileWidth());
  board.ariaLabel = say('find_results');
  drawTerms();
  drawFilters();
  drawTries();
  counted();
  const understood = find('.understood');
  understood.hidden = !answer?.interpreted;
  understood.firstChild.textContent = say('find_understood', { query: answer?.query ?? '' });
  understood.lastChild.textContent = say('find_literally');
  find('.sort').title = say('find_sort');
  const left = ignored.length ? [make('p', {}, say('find_ignored', { names: ignored.join(', ') }))] : [];
  find('.remarks').replaceChildren(...left, ...(answer?.remarks ?? []).map((one) => make('p', {}, both(one))));
  drawNews();
  const wrong = find('.problem');
  wrong.hidden = !problem;
  if (problem) {
    wrong.firstChild.textContent = problem.said ? both(problem.said) : say(problem.key, problem.values);
    wrong.lastChild.hidden = !problem.panel;
    wrong.lastChild.textContent = say('find_open_panel');
  }
  drawLine();
  look();
  drawChart();
  drawPicked();
  drawDrawer();
};
window.addEventListener('clipapp:language', draw);
draw();

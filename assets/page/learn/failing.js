const guesses = {}; // by the case's place: the label that was guessed
const best = (scores) => scores.indexOf(Math.max(...scores));

const option = (place, label, number) => {
  const { right } = props.cases[place];
  const scores = props.value.answers[place]?.[language()];
  const marks = [];
  if (scores) {
    if (number === right) marks.push(say('learn_failing_right'));
    if (number === best(scores)) marks.push(say('learn_failing_picked'));
    if (number === guesses[place]) marks.push(say('learn_failing_guessed'));
  }
  const fill = make('i', { ariaHidden: 'true' });
  const button = make('button', { type: 'button', className: 'guess' }, fill,
    make('span', {}, label, ...(marks.length ? [make('em', {}, marks.join(' · '))] : [])));
  button.disabled = place in guesses;
  if (scores) {
    fill.style.width = `${100 * scores[number]}%`;
    button.append(make('b', {}, percent(scores[number])));
    button.classList.toggle('right', number === right);
  }
  button.addEventListener('click', () => {
    guesses[place] = number;
    trigger('ask', { places: Object.keys(guesses) });
    paint();
  });
  return make('li', {}, button);
};

const showCase = (one, place) => {
  const scores = props.value.answers[place]?.[language()];
  const made = make('section', { className: one.path.endsWith('.png') ? 'case drawn' : 'case' },
    make('img', { src: served(one.path), alt: both(one.caption), loading: 'lazy' }),
    make('h3', {}, say(`learn_failing_${one.kind}`)),
    make('ul', {}, ...both(one.labels).map((label, number) => option(place, label, number))));
  if (scores) {
    const labels = both(one.labels);
    const wrong = best(scores) !== one.right;
    made.append(make('p', { className: 'why', role: 'status' }, wrong
      ? [say('learn_failing_wrong', { picked: labels[best(scores)], right: labels[one.right] }), say(`learn_failing_why_${one.kind}`)]
        .join(language() === 'zh' ? '' : ' ')
      : say('learn_failing_knows')));
  }
  return made;
};

const paint = () => {
  const { answers, error } = props.value;
  const focus = [...element.querySelectorAll('.guess')].indexOf(document.activeElement);
  find('.hint').textContent = say('learn_failing_hint');
  find('.cases').replaceChildren(...props.cases.map(showCase));
  // A button that was pressed is no more; what comes after it is next for the keyboard.
  if (focus >= 0) [...element.querySelectorAll('.guess')].slice(focus).find((one) => !one.disabled)?.focus({ preventScroll: true });
  const done = Object.keys(answers).filter((place) => place in guesses);
  const count = (counts) => done.filter((place) => counts(answers[place][language()], place)).length;
  find('.score').textContent = done.length ? say('learn_failing_score', {
    count: done.length,
    wrong: count((scores, place) => best(scores) !== props.cases[place].right),
    foreseen: count((scores, place) => best(scores) === guesses[place]),
  }) : '';
  find('.told').hidden = !error;
  find('.told').textContent = error ? both(error) : '';
};
window.addEventListener('clipapp:language', paint);
watch('value', paint);
paint();

const root = find('.step');
const inputs = [...element.querySelectorAll('.fields input')];
let photo = 0;
let turn = 0;
let labels = { ...props.photos[0].labels };
let loading = ''; // the other model that was asked for

const ask = (model = '') => {
  loading = model;
  root.classList.add('stale');
  trigger('ask', { photo, labels, turn: ++turn, model });
  paintOther();
};
const bar = (share, hue) => {
  const fill = make('i');
  fill.style.width = `${100 * share}%`;
  const track = make('span', { className: 'track', ariaHidden: 'true' }, fill);
  track.style.setProperty('--hue', hue);
  return track;
};
const line = (name, share, hue) => [make('span', { className: 'name' }, name), bar(share, hue),
  make('span', { className: 'figure' }, percent(share))];
const first = (scores) => scores.indexOf(Math.max(...scores));

props.photos.forEach(({ path }, place) => {
  const button = make('button', { type: 'button' }, make('img', { src: served(path), alt: '', loading: 'lazy' }));
  button.addEventListener('click', () => {
    photo = place;
    labels = { ...props.photos[place].labels };
    paint();
    ask();
  });
  find('.photos').append(button);
});
for (const input of inputs) {
  input.addEventListener('change', () => {
    labels = { ...labels, [input.dataset.language]: input.value };
    ask();
  });
}

// Into `place`, the bars of both languages and whether they agree.
const paintPairs = (place, found) => {
  const [pairs, verdict] = ['pairs', 'verdict'].map((one) => place.querySelector(`:scope > .${one}`));
  pairs.hidden = verdict.hidden = !found;
  if (!found) return;
  const { names, scores, between } = found;
  pairs.replaceChildren(...names.en.map((_, i) => make('div', {},
    ...line(names.en[i], scores.en[i], colour(0)), ...line(names.zh[i], scores.zh[i], colour(2)),
    make('span', { className: 'between' }, say('learn_languages_between', { cosine: between[i].toFixed(2) })))));
  const [en, zh] = [first(scores.en), first(scores.zh)];
  verdict.textContent = say(en === zh ? 'learn_languages_same' : 'learn_languages_differ',
    { en: names.en[en], zh: names.zh[zh] });
};
// The same through a model that reads English only, if there is one on this machine.
const paintOther = () => {
  const { other, besides, asked } = props.value;
  const place = find('.elsewhere');
  place.hidden = !props.value.words;
  const name = loading || asked.model;
  place.firstElementChild.textContent = loading ? say('learn_languages_loading', { model: loading })
    : other ? say('learn_languages_other', { model: name })
    : say(besides.length ? 'learn_languages_choose' : 'learn_languages_none');
  place.querySelector('.choices').replaceChildren(...besides.map((one) => {
    const made = make('button', { type: 'button', className: 'plain' }, say('learn_languages_load', { ...one, model: one.name }));
    made.disabled = !one.fits || Boolean(loading);
    made.addEventListener('click', () => ask(one.name));
    return made;
  }));
  paintPairs(place, loading ? null : other);
};

const paint = () => {
  const { words: found, error } = props.value;
  find('.hint').textContent = say('learn_languages_hint');
  find('.photos').ariaLabel = say('learn_languages_photo');
  [...find('.photos').children].forEach((one, place) => {
    one.ariaLabel = both(props.photos[place].caption);
    one.ariaPressed = String(place === photo);
  });
  find('summary').textContent = say('learn_languages_own');
  for (const input of inputs) {
    input.value = labels[input.dataset.language];
    input.previousElementSibling.textContent = say(`learn_languages_in_${input.dataset.language}`);
  }
  find('.told').hidden = !error && !found?.unread;
  find('.told').textContent = error ? both(error) : found?.unread ? both(found.unread) : '';
  paintPairs(root, found);
  paintOther();
  find('.models').replaceChildren(make('p', {}, say('learn_languages_models')),
    ...props.models.map(({ name, chinese }, place) => make('div', {},
      make('span', { className: 'name' }, name), bar(chinese / 100, colour(place ? 7 : 0)),
      make('span', { className: 'figure' }, `${chinese.toFixed(1)} %`))));
};
window.addEventListener('clipapp:language', paint);
watch('value', () => {
  if (props.value.asked.turn === turn) {
    root.classList.remove('stale');
    loading = '';
  }
  paint();
});
paint();
whenSeen(() => ask());

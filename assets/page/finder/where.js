// Where in the drawer's photograph the words looked for are: a button a word, a heat map.
let where = null; // the map that was asked for: its number and word
const endWhere = () => {
  if (!where) return;
  trigger('unwhere', { id: where.id });
  where = null;
  paintWhere(null);
  drawWords();
};
const paintWhere = heatOver({
  stage: drawer.querySelector('.stage'), picture: drawer.querySelector('.whole'), panel: find('.looked'), close: endWhere,
});
drawer.querySelector('.stage').after(find('.looked'));

const askWhere = (word) => {
  const again = where?.word === word;
  endWhere();
  if (again) return;
  where = { id: (asks += 1), word };
  trigger('where', { hash: leaves()[current].hash, text: word, id: where.id });
  paintWhere({ state: 'running', label: word });
  drawWords();
};
const drawWords = () => {
  const words = answer?.looked_for ?? [];
  const held = [...drawer.querySelectorAll('.words button')].indexOf(document.activeElement);
  drawer.querySelector('.words').replaceChildren(...words.map((word) => {
    const one = make('button', { type: 'button', className: 'act' },
      words.length > 1 ? say('find_where_is', { text: word }) : say('find_where'));
    one.ariaPressed = String(where?.word === word);
    one.addEventListener('click', () => askWhere(word));
    return one;
  }));
  if (held >= 0) (drawer.querySelectorAll('.words button')[held] ?? drawer).focus({ preventScroll: true });
};
window.addEventListener('clipapp:where', ({ detail: told }) => {
  if (told && told.id === where?.id) paintWhere(told);
});

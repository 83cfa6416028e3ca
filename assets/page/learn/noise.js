const canvas = find('canvas');
const slider = find('.slide input');
const count = props.titles.length;
// Who is shuffled first, second …: the same for everyone, so that figures can be talked about.
const turns = props.titles.map((_, i) => i).sort((a, b) => ((a * 7 + 3) % count) - ((b * 7 + 3) % count));
let training = false;

/** The caption of each photo when those of the first `wrong` in turn go round among themselves. */
const captionsOf = (wrong) => {
  const given = props.titles.map((_, i) => i);
  turns.slice(0, wrong).forEach((place, i) => { given[place] = turns[(i + 1) % wrong]; });
  return given;
};

const draw = (rows) => {
  const SIDE = 14; // pixels of a cell
  canvas.width = canvas.height = count * SIDE;
  const pen = canvas.getContext('2d');
  const style = getComputedStyle(canvas);
  const all = rows.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  pen.fillStyle = style.getPropertyValue('--card') || '#fff';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  rows.forEach((row, i) => row.forEach((cosine, j) => {
    pen.globalAlpha = ((cosine - low) / (high - low)) ** 1.5;
    pen.fillStyle = style.getPropertyValue('--accent') || '#3b46c4';
    pen.fillRect(j * SIDE, i * SIDE, SIDE - 1, SIDE - 1);
  }));
  pen.globalAlpha = 1;
  pen.strokeStyle = style.getPropertyValue('--good') || '#0f7a45';
  pen.lineWidth = 1.5;
  rows.forEach((_, i) => pen.strokeRect(i * SIDE + 0.5, i * SIDE + 0.5, SIDE - 2, SIDE - 2));
};

const paint = () => {
  const { batch, head, done, error } = props.value;
  find('.hint').textContent = say('learn_noise_hint', { count });
  find('.headhint').textContent = say('learn_noise_head');
  find('.train').textContent = say('learn_noise_train');
  find('.train').disabled = training || Boolean(head); // it would come out the same
  find('.told').hidden = !error;
  find('.told').textContent = error ? both(error) : '';
  find('.doing').hidden = !done;
  if (done) find('.doing').textContent = say('learn_noise_reading', { done: done[0], total: done[1] });
  find('.both').hidden = !batch;
  if (batch) {
    const wrong = Number(slider.value);
    const given = captionsOf(wrong);
    const rows = batch.cosines[language()].map((row) => given.map((one) => row[one]));
    const { byImage, byText } = losses(rows, batch.scale);
    const loss = (mean(byImage) + mean(byText)) / 2;
    const found = rows.filter((row, i) => row[i] === Math.max(...row)).length;
    const told = make('b', {}, loss.toFixed(3));
    told.dataset.loss = loss;
    find('.loss').replaceChildren(say('learn_noise_loss'), told);
    find('.row').textContent = say('learn_noise_found', { found, count, chance: Math.log(count).toFixed(2) });
    find('.slide span').textContent = say('learn_noise_wrong', { wrong, count });
    canvas.ariaLabel = say('learn_noise_picture', { count, wrong });
    draw(rows);
  }
  if (!head) return;
  const { accuracies, shares: parts, photos, topics, guess } = head;
  find('.bars').replaceChildren(make('p', { className: 'headhint' }, say('learn_noise_trained', { photos, topics, guess: percent(guess) })),
    ...parts.map((share, i) => {
      const fill = make('i');
      fill.style.width = `${100 * accuracies[i]}%`;
      const shown = make('b', {}, percent(accuracies[i]));
      shown.dataset.accuracy = accuracies[i];
      return make('div', {}, make('span', {}, say('learn_noise_share', { share: Math.round(100 * share) })),
        make('span', { className: 'track', ariaHidden: 'true' }, fill), shown);
    }));
};
// One caption alone has nowhere else to go.
slider.max = count;
slider.addEventListener('input', () => {
  if (slider.value === '1') slider.value = 2;
  paint();
});
find('.train').addEventListener('click', () => {
  training = true;
  paint();
  trigger('ask', { head: true });
});
window.addEventListener('clipapp:language', paint);
new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ['class'] });
watch('value', () => {
  if (!props.value.done) training = false;
  paint();
});
paint();
whenSeen(() => trigger('ask', {}));

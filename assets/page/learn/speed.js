let running = false;
let run = 0;
const thousands = (number) => number.toLocaleString('en-US');
const paint = () => {
  const { times, done, error } = props.value;
  find('.hint').textContent = say('learn_speed_hint');
  find('.go').textContent = say('learn_speed_go');
  find('.go').disabled = running;
  find('.halt').textContent = say('learn_speed_stop');
  find('.halt').hidden = find('.line').hidden = !running;
  const share = running && done ? Math.round((100 * done[0]) / done[1]) : 0;
  find('.line').ariaLabel = say('learn_speed_running');
  find('.line').setAttribute('aria-valuenow', share);
  find('.line span').style.width = `${share}%`;
  find('.told').hidden = !error;
  find('.told').textContent = error ? both(error) : '';
  find('.bars').replaceChildren();
  find('.more').textContent = '';
  if (!times) return;
  const values = { ...times };
  for (const key of ['number', 'photos', 'graph_number']) if (times[key]) values[key] = thousands(times[key]);
  for (const key of ['codes_found', 'graph_found']) if (key in times) values[key] = percent(times[key]);
  const keys = ['words', 'gallery', 'brute', 'codes', 'graph'].filter((key) => key in times);
  const longest = Math.max(...keys.map((key) => times[key]));
  find('.bars').replaceChildren(...keys.map((key) => {
    const fill = make('i');
    fill.style.width = `${(100 * times[key]) / longest}%`;
    return make('div', {}, make('span', {}, say(`learn_speed_${key}`, values)),
      make('span', { className: 'track', ariaHidden: 'true' }, fill),
      make('b', {}, say('learn_speed_ms', { number: times[key].toFixed(times[key] < 10 ? 2 : 0) })));
  }));
  find('.more').textContent = ['brute', 'codes', 'graph'].filter((key) => key in times)
    .map((key) => say(`learn_speed_more_${key}`, values)).join(language() === 'zh' ? '' : ' ');
};
find('.go').addEventListener('click', () => {
  running = true;
  paint();
  trigger('ask', { run: ++run });
});
find('.halt').addEventListener('click', () => {
  trigger('stop', { run });
  running = false;
  paint();
});
window.addEventListener('clipapp:language', paint);
watch('value', () => {
  if (props.value.run === run && !props.value.done) running = false;
  paint();
});
paint();

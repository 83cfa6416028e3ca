// The pictures that are ticked, and what can be had of them.
let picks = new Map(); // by hash, in the order in which they were chosen
let lastPick = -1;
let note = '';
const pick = (place, range = false, of = rows) => {
  const row = of[place];
  const on = !picks.has(row.hash);
  const from = range && lastPick >= 0 ? Math.min(lastPick, place) : place;
  const to = range && lastPick >= 0 ? Math.max(lastPick, place) : place;
  for (let one = from; one <= to; one += 1) {
    if (on || range) picks.set(of[one].hash, of[one]); else picks.delete(of[one].hash);
  }
  lastPick = of === rows ? place : -1;
  all = false;
  drawPicked();
};
let all = false; // above the line, of which not each is loaded
const drawPicked = () => {
  const box = find('.picked');
  const count = all ? answer.above : picks.size;
  box.hidden = !count;
  board.classList.toggle('choosing', Boolean(count));
  for (const tile of shown.values()) name(tile);
  box.querySelector('b').textContent = count ? say('find_picked', { number: number(count) }) : '';
  const above = box.querySelector('.above');
  above.hidden = !answer?.above || all;
  above.textContent = say('find_pick_above', { number: number(answer?.above ?? 0) });
  box.querySelector('.zip').textContent = say('find_zip');
  box.querySelector('.none').textContent = say('find_clear');
  box.querySelector('.note').textContent = typeof note === 'string' ? note : both(note);
};
find('.picked .above').addEventListener('click', () => {
  all = true;
  rows.forEach((row) => { if (row.rank < answer.above) picks.set(row.hash, row); });
  drawPicked();
});
find('.picked .none').addEventListener('click', () => { picks = new Map(); all = false; note = ''; drawPicked(); });
for (const kind of ['zip', 'csv', 'json']) {
  find(`.picked .${kind}`).addEventListener('click', () => {
    note = say('find_packing');
    drawPicked();
    trigger('pack', { kind, asked: { ...asked, offset: 0 }, ...(all ? {} : { hashes: [...picks.keys()] }), id: (asks += 1) });
  });
}
window.addEventListener('clipapp:packed', ({ detail: told }) => {
  if (!told) return;
  note = told.problem ?? told.note ?? '';
  drawPicked();
  if (!told.file) return;
  const link = make('a', { href: served(told.file), download: told.file.split('/').at(-1) });
  link.click();
});

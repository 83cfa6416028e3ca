// How the numbers of the card above come about. `props.value` holds the API's answer, or what has
// gone wrong; words and labels are data and reach the page by textContent only.
let asked = 0; // the number of the last question
let pending = false;
let again = false; // whether the card has been answered anew meanwhile
let fresh = false; // whether what is shown explains the card above
let comparing = false; // whether other sentences are being tried
let answer = null;
let sets = null; // what other sentences gave
let chosen = 0; // the label that is followed, by its rank
let column = null; // the number of the vectors that is looked at
let products = [];
let sums = [];

const above = cardAbove(props.card, () => {
  fresh = false;
  again = pending;
  follow();
});
const heat = temperature(() => paintScores());
const tint = (rank) => colour(answer.results[rank].place);
const dim = () => {
  find('.strip').hidden = !answer;
  find('.waits').hidden = Boolean(answer) || (above.answered() && !pending);
  find('.waits').textContent = say(pending ? 'explain_pending' : 'explain_waits');
  find('.strip').classList.toggle('stale', !fresh);
  find('.strip').setAttribute('aria-busy', pending);
};
const follow = () => {
  above.observe();
  dim();
  if (fresh || pending || !above.answered() || !element.checkVisibility()) return;
  asked += 1;
  pending = true;
  again = comparing = false;
  dim();
  trigger('explain', { number: asked });
};

// ---- from the photograph and the words to the cosine

const prompt = (template, label) => template.replaceAll('{}', label);
const quoted = (words) => make('q', {}, words);

const paintPhoto = () => {
  const { vector, pixels } = answer;
  const count = vector.length;
  find('.of-photo h3').textContent = say('explain_photo', { count });
  find('.of-photo .why .hint').textContent = say('explain_pixels', {
    width: pixels.width, height: pixels.height, count,
    numbers: (3 * pixels.width * pixels.height).toLocaleString('en-US'),
  });
  const photo = document.getElementById(props.photo)?.querySelector('img');
  drawPixels(find('.pixels'), photo, pixels);
  if (photo && !photo.complete) photo.addEventListener('load', paintPhoto, { once: true });
  find('.digits').textContent = digits(vector);
  find('.of-photo .code').replaceChildren(barCode(vector));
  find('.key').textContent = say('explain_key');
};
const digits = (vector) => `[ ${vector.slice(0, 6).map((one) => show(one)).join('  ')}  …  ${show(vector.at(-1))} ]`;

const paintChoices = () => {
  const box = find('.choices');
  box.setAttribute('aria-label', say('explain_choose'));
  box.hidden = answer.results.length < 2;
  box.replaceChildren(...answer.results.map(({ label }, rank) => {
    const button = make('button', { type: 'button', className: 'choice', title: label }, label);
    button.style.setProperty('--hue', tint(rank));
    button.addEventListener('click', () => choose(rank));
    return button;
  }));
};

const choose = (rank) => {
  chosen = rank;
  paintWord();
  paintCosine();
  paintScores();
  paintSets();
};

const paintWord = () => {
  const { templates, vector, results } = answer;
  const { label, vector: words, taught } = results[chosen];
  find('.of-word h3').textContent = say('explain_word');
  find('.of-word .why .hint').textContent = say('explain_word_how');
  find('.choices').querySelectorAll('button').forEach((one, rank) => { one.ariaPressed = String(rank === chosen); });
  const many = templates.length > 1;
  const FEW = 4;
  const said = templates.slice(0, FEW).map((one) => quoted(prompt(one, label)));
  const told = make('p', {}, say(many ? 'explain_prompts' : 'explain_prompt', { number: templates.length }), ' ',
    ...said.flatMap((one) => [one, ' ']));
  const more = make('details', {}, make('summary', {}, say('explain_prompts_more', { number: templates.length - FEW })),
    make('p', {}, ...templates.slice(FEW).flatMap((one) => [quoted(prompt(one, label)), ' '])));
  const lines = taught ? [make('p', {}, taughtTold(taught))] : [];
  find('.prompts').replaceChildren(told, ...(templates.length > FEW ? [more] : []), ...lines);
  find('.of-word .code').replaceChildren(barCode(words));
};
const taughtTold = (taught) => [
  say('explain_taught', { ...taught, share: Math.round(100 * taught.share), rest: Math.round(100 * (1 - taught.share)) }),
  ...(taught.without_mean ? [say('explain_taught_mean')] : []),
  ...(taught.counter_examples ? [say('explain_taught_away', { number: taught.counter_examples })] : []),
  say('explain_taught_words', { cosine: show(taught.words) }),
].join(language() === 'zh' ? '' : ' ');

const paintCosine = () => {
  const { results, vector } = answer;
  const count = vector.length;
  const all = results.map((one) => one.vector.map((number, i) => number * vector[i]));
  products = all[chosen];
  sums = runningSums(all);
  find('.of-cosine h3').textContent = say('explain_cosine');
  find('.of-cosine .why .hint').textContent = say('explain_cosine_how', { count });
  const { label, similarity } = results[chosen];
  const told = make('b', {}, show(similarity));
  told.style.color = tint(chosen);
  find('.sum').replaceChildren(say('explain_sum', { count, label }), ' ', told);
  const lines = sumLines(sums, chosen, results.map((_, rank) => tint(rank)));
  find('.products').replaceChildren(upAndDown(products));
  find('.products').style.setProperty('--hue', tint(chosen));
  find('.sums').replaceChildren(lines.made);
  const end = make('b', {}, show(similarity));
  end.style.setProperty('--at', lines.height(similarity));
  end.style.color = tint(chosen);
  find('.ends').replaceChildren(end);
  const which = find('.which');
  which.max = count - 1;
  which.ariaLabel = say('explain_which', { count });
  // To begin with, the number that says most for it.
  column ??= products.indexOf(Math.max(...products));
  paintNumber();
};

const paintNumber = () => {
  const { vector, results } = answer;
  column = Math.min(column, vector.length - 1);
  const { label, vector: words } = results[chosen];
  const told = say('explain_number', {
    number: column + 1, label, photo: show(vector[column]), text: show(words[column]),
    product: show(products[column], 4), sum: show(sums[chosen][column]),
  });
  find('.which').value = column;
  find('.which').ariaValueText = told;
  find('.number').textContent = told;
  find('.strip').style.setProperty('--column', (column + 0.5) / vector.length);
};

// ---- from cosines to scores

/** Scores of the labels told, at a scale; of all the others together, too, where they share. */
const scored = (scale) => {
  const { scoring, results, similarities, background, logit_bias: bias } = answer;
  if (scoring === 'softmax') return shares(similarities, scale);
  return results.map(({ similarity, near }) => {
    const rivals = scoring === 'sigmoid' ? -bias : logSum(background.filter((_, i) => !near.includes(i)), scale);
    return 1 / (1 + Math.exp(rivals - scale * similarity));
  });
};
// As the card has it: how many times as readily as an ordinary one of the words it is taken.
const times = (score) => {
  const found = Math.min((answer.background.length * score) / Math.max(1 - score, 1e-12), 9999);
  const shown = found < 0.1 ? '<0.1' : found < 10 ? found.toFixed(1) : Math.round(found).toLocaleString('en-US');
  return { width: Math.log(Math.max(found, 1)) / Math.log(answer.background.length), shown: say('card_times', { times: shown }) };
};
const figured = (score) => (answer.scoring === 'background' ? times(score) : { width: score, shown: percent(score) });

const power = (exponent) => ['e', make('sup', {}, exponent)];
const formula = (scale, score) => {
  const { scoring, results, similarities, logit_bias: bias } = answer;
  const logit = (one) => show(scale * one + (bias ?? 0), 2);
  const own = logit(results[chosen].similarity);
  if (scoring === 'sigmoid') return ['1 ÷ (1 + ', ...power(`−(${own})`), ') = ', make('b', {}, score)];
  const others = similarities.map((one, rank) => [one, rank]).filter(([, rank]) => rank !== chosen).slice(0, 2);
  if (scoring === 'background') {
    const { length } = answer.background;
    const sum = say('explain_words_sum', { words: length - results[chosen].near.length });
    return [`${length} × `, ...power(own), ` ÷ ${sum} = `, make('b', {}, score)];
  }
  const rest = [' ÷ (', ...power(own), ...others.flatMap(([one]) => [' + ', ...power(logit(one))]),
    similarities.length > others.length + 1 ? ' + …)' : ')'];
  return [...power(own), ...rest, ' = ', make('b', {}, score)];
};

const scoreRow = (rank, scale, score, card, name, cosine) => {
  const { width, shown } = figured(score);
  const fill = make('i', { className: 'fill' });
  fill.style.width = `${100 * Math.min(width, 1)}%`;
  const mark = make('i', { className: 'tick' });
  mark.style.left = `${100 * Math.min(figured(card).width, 1)}%`;
  const bias = answer.logit_bias ? ` ${show(answer.logit_bias, 1).replace('−', '− ')}` : '';
  const row = make('li', {},
    make('span', { className: 'name', title: name }, name),
    make('span', { className: 'cosine' }, cosine === null ? '' : show(cosine)),
    make('span', { className: 'logit' }, cosine === null ? '' : `× ${show(scale, 1)}${bias} = ${show(scale * cosine + (answer.logit_bias ?? 0), 2)}`),
    make('span', { className: 'track' }, fill, mark),
    make('b', { className: 'score' }, shown));
  row.style.setProperty('--hue', rank === null ? 'var(--muted)' : tint(rank));
  row.classList.toggle('chosen', rank === chosen);
  return row;
};

const paintScores = () => {
  const { results, similarities, scoring, logit_scale: own, calibrated, none } = answer;
  const scale = heat.of(own);
  const scores = scored(scale);
  const count = similarities.length;
  find('.of-score h3').textContent = say(`explain_score_${scoring}`);
  find('.of-score .why .hint').textContent = say(`explain_how_${scoring}`, {
    count, words: answer.background?.length, bias: answer.logit_bias && show(answer.logit_bias, 2),
    times: Number(Math.exp(scale / 10).toPrecision(2)).toLocaleString('en-US'),
  });
  find('.formula').replaceChildren(...formula(scale, figured(scores[chosen]).shown));
  const rows = results.map(({ label, score, similarity }, rank) =>
    scoreRow(rank, scale, scores[rank], score, label, similarity));
  if (scoring === 'softmax' && count > results.length) {
    const [now, card] = [scores, shares(similarities, own)].map((all) => sum(all.slice(results.length)));
    rows.push(scoreRow(null, scale, now, card, say('explain_rest', { number: count - results.length }), null));
  }
  find('.rows').replaceChildren(...rows);
  const button = find('.calibrated');
  button.hidden = !calibrated;
  button.textContent = calibrated ? say('explain_calibrated', calibrated) : '';
  button.ariaPressed = String(Boolean(calibrated) && scale === own / calibrated.temperature);
  find('.notes').replaceChildren(...[
    say('explain_mark'),
    calibrated && say('explain_calibrated_what', { temperature: calibrated.temperature, score: percent(calibrated.score) }),
    none && say(none.lead < 0 ? 'explain_none_behind' : 'explain_none', { lead: show(Math.abs(none.lead), 1), chance: percent(none.chance) }),
  ].filter(Boolean).map((one) => make('p', { className: 'hint' }, one)));
};

// ---- other sentences

const paintSets = () => {
  find('.of-others h3').textContent = say('explain_others');
  find('.of-others .why .hint').textContent = say('explain_others_how');
  find('.of-others').hidden = props.about === 'texts';
  find('.try').textContent = say(comparing ? 'explain_stop' : 'explain_try');
  find('.try').hidden = Boolean(sets);
  const { length: number } = answer.similarities;
  const many = number > props.most;
  find('.try').disabled = many && !comparing;
  if (!comparing) find('.trying').textContent = many ? say('explain_labels_many', { number, limit: props.most }) : '';
  const { label } = answer.results[chosen];
  find('.sets').replaceChildren(...(sets ?? []).map(({ template, prompts, results }) => {
    const mine = results.find((one) => one.label === label);
    const used = String(props.sets[template]) === String(answer.templates);
    const row = make('li', { className: used ? 'used' : '' },
      make('span', { className: 'name' }, say(`templates_${template}`),
        ...(used ? [' ', make('em', {}, say('explain_used'))] : [])),
      make('span', { className: 'example' }, quoted(prompt(props.sets[template].at(-1), label)),
        ...(prompts > 1 ? [` +${prompts - 1}`] : [])),
      make('span', { className: 'cosine' }, show(mine.similarity)),
      make('b', { className: 'score' }, figured(mine.score).shown),
      make('span', { className: 'first' }, say('explain_first', { label: results[0].label })));
    return row;
  }));
};

find('.try').addEventListener('click', () => {
  comparing = !comparing;
  find('.told').hidden = true;
  trigger(comparing ? 'templates' : 'stop', { number: asked });
  paintSets();
});
find('.calibrated').addEventListener('click', () => heat.set(answer.logit_scale / answer.calibrated.temperature));
find('.which').addEventListener('input', ({ target }) => {
  column = Number(target.value);
  paintNumber();
});
for (const one of element.querySelectorAll('.code, .chart')) {
  one.addEventListener('pointermove', ({ clientX }) => {
    const { left, width } = one.getBoundingClientRect();
    const count = answer.vector.length;
    column = Math.max(0, Math.min(count - 1, Math.floor((count * (clientX - left)) / width)));
    paintNumber();
  });
}

// ---- what the server says

const paint = () => {
  if (!answer) return;
  paintPhoto();
  paintChoices();
  choose(chosen);
};
const take = () => {
  const { number, explained, compared, progress, error } = props.value;
  if (number && number !== asked) return;
  if (progress && comparing) find('.trying').textContent = say('explain_trying', progress);
  if (explained) {
    const before = answer?.results[chosen]?.label;
    answer = JSON.parse(explained);
    chosen = Math.max(0, answer.results.findIndex((one) => one.label === before));
    sets = null;
  }
  if (compared) sets = JSON.parse(compared);
  find('.told').hidden = !error;
  find('.told').textContent = error ? both(error) : '';
  if (compared || error) comparing = false;
  if ((explained || error) && pending) {
    pending = false;
    fresh = !error && !again;
  }
  if (!progress) paint();
  if (again && !pending) follow();
  dim();
};
new ResizeObserver(follow).observe(element); // while it is folded it has no width
window.addEventListener('clipapp:language', () => {
  paint();
  dim();
});
watch('value', take);
paint();
above.observe();
dim();

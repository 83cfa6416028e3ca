// The photograph that is asked about: chosen, dropped, pasted, taken, or an example.
// `props.value` is Gradio's description of its file, or null.
const stage = find('.stage');
const shown = find('.shown');
const live = find('.live');
const META = { _type: 'gradio.FileData' };
let problem = null; // what says it, in the page's language
let busy = false;
let turn = 0; // an upload that was overtaken is late
let linked = false; // the address brought it, and its words with it
let stream = null;

const example = () => props.examples.findIndex((one) => one.file.path === props.value?.path);
const mine = () => ['classify', 'match'].includes(document.body.dataset.tab);

const draw = () => {
  const value = props.value;
  const index = example();
  stage.classList.toggle('empty', !value);
  stage.classList.toggle('waits', busy);
  for (const one of [shown, find('.back')]) {
    if (!value) one.removeAttribute('src');
    else if (one.getAttribute('src') !== value.url) one.src = value.url;
  }
  const name = value?.orig_name ?? '';
  shown.alt = index >= 0 ? props.examples[index].names[language()] : `${say('photo_yours')} ${name}`;
  find('.none p').textContent = say('photo_none');
  find('.busy').textContent = busy ? say('photo_reading') : '';
  find('.problem').textContent = problem?.() ?? '';
  const buttons = { snap: 'photo_snap', camera: 'photo_camera', similar: 'photo_similar' };
  for (const [one, key] of Object.entries(buttons)) find(`.${one}`).textContent = say(key);
  find('.choose').textContent = say(value ? 'photo_replace' : 'photo_choose');
  find('.clear').textContent = '×';
  find('.clear').setAttribute('aria-label', say(stream ? 'photo_stop' : 'photo_clear'));
  find('.snap').hidden = !stream;
  for (const one of ['choose', 'camera']) find(`.${one}`).hidden = Boolean(stream);
  find('.similar').hidden = !value || Boolean(stream);
  find('.clear').hidden = !value && !stream;
  live.hidden = !stream;
  const why = index >= 0 ? props.examples[index].why[language()] : '';
  find('.why').textContent = why && [say('photo_fails'), why].join(language() === 'zh' ? '' : ' ');
  const strip = find('.strip');
  strip.setAttribute('aria-label', say('examples'));
  [...strip.children].forEach((button, place) => {
    const words = props.examples[place].names[language()];
    button.setAttribute('aria-label', words);
    button.title = words;
    button.setAttribute('aria-pressed', String(place === index));
  });
};
const tell = (name, detail) => window.dispatchEvent(new CustomEvent(`clipapp:${name}`, { detail }));
const told = () => {
  draw();
  tell('stale', { id: props.name, value: props.value?.path ?? '' });
  tell('photo', { there: Boolean(props.value), example: example(), linked });
};
const put = (value, byAddress = false) => {
  turn += 1;
  linked = byAddress;
  const shows = props.examples.find((one) => one.file.path === value?.path);
  window.clipApp.address.set({ photo: shows?.name });
  busy = false;
  problem = null;
  props.value = value;
  told();
};
// A file that cannot be taken leaves the photograph before it, and what was answered of that.
const refuse = (why) => {
  turn += 1;
  busy = false;
  problem = why;
  draw();
  tell('stale', { id: props.name, value: props.value?.path ?? '' });
};

const take = async (file) => {
  if (!file) return;
  stop();
  const now = (turn += 1);
  busy = true;
  problem = null;
  tell('stale', { id: props.name, value: null });
  draw();
  const sent = await send(file);
  if (now !== turn) return;
  if (sent.problem) return refuse(() => say(sent.problem.key, sent.problem.values));
  try {
    const answer = await server.take_photo([sent.path, file.name]);
    if (now !== turn) return;
    if (answer.problem) return refuse(() => both(answer.problem));
    put({ path: answer.path, url: served(answer.path), orig_name: file.name, meta: META });
  } catch {
    if (now === turn) refuse(() => say('sent_lost', sent));
  }
};

const stop = () => {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  live.srcObject = null;
  draw();
};
const film = async () => {
  // Phones have a better camera app than a page can be.
  if (matchMedia('(pointer: coarse)').matches) return find('.shot').click();
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    live.srcObject = stream;
    await live.play();
    problem = null;
  } catch {
    problem = () => say('photo_no_camera');
  }
  draw();
};
const snap = () => {
  const canvas = document.createElement('canvas');
  canvas.width = live.videoWidth;
  canvas.height = live.videoHeight;
  canvas.getContext('2d').drawImage(live, 0, 0);
  canvas.toBlob((blob) => take(new File([blob], 'camera.jpg', { type: 'image/jpeg' })), 'image/jpeg', 0.95);
};

props.examples.forEach((one) => {
  const button = document.createElement('button');
  button.type = 'button';
  button.classList.toggle('fails', Boolean(one.why.en));
  const thumb = document.createElement('img');
  thumb.src = one.thumbnail;
  thumb.alt = '';
  button.append(thumb);
  button.addEventListener('click', () => {
    stop();
    put(one.file);
  });
  find('.strip').append(button);
});
for (const one of ['.file', '.shot']) {
  find(one).addEventListener('change', ({ target }) => {
    take(target.files[0]);
    target.value = '';
  });
}
shown.addEventListener('error', () => stage.classList.add('broken'));
shown.addEventListener('load', () => stage.classList.remove('broken'));
find('.choose').addEventListener('click', () => find('.file').click());
find('.camera').addEventListener('click', film);
find('.snap').addEventListener('click', snap);
find('.clear').addEventListener('click', () => (stream ? stop() : put(null)));
find('.similar').addEventListener('click', () => tell('search-image', props.value));
stage.addEventListener('dragover', (event) => {
  if (!dragsFiles(event)) return;
  event.preventDefault();
  stage.classList.add('over');
});
for (const type of ['dragleave', 'drop']) {
  stage.addEventListener(type, () => stage.classList.remove('over'));
}
stage.addEventListener('drop', (event) => {
  if (!dragsFiles(event)) return;
  event.preventDefault();
  take(pictureIn(event.dataTransfer));
});
document.addEventListener('paste', (event) => {
  const file = mine() && pictureIn(event.clipboardData);
  if (!file) return;
  event.preventDefault();
  take(file);
});
window.addEventListener('clipapp:language', draw);
const follow = ({ photo = '' }, back = false) => {
  const index = props.examples.findIndex((one) => one.name === photo);
  // Back brings no photograph of one's own again, so it does not take one away either.
  if (back && props.value && example() < 0) window.clipApp.address.set({ photo: '' });
  else if (index >= 0 && index !== example()) put(props.examples[index].file, true);
};
window.clipApp.onAddress(follow);
// What is set before Gradio has finished making the component is lost.
setTimeout(() => follow(window.clipApp.address.get()));
watch('value', told);
draw();

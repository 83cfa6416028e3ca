const state = find('.state');
const doing = find('.doing');
const bar = find('.line i');
const now = find('.now');
const halt = find('#gallery-stop');
const read = find('#gallery-index');
const follow = find('#gallery-follow');
const { show: showDrop } = uploads(find('.up'), () => ({}), ',.zip');
let asked = null; // the value whose run this page has asked to follow
let seen = null; // the value whose uploads the search has been told of

const show = () => {
  const { said, notices, progress, read: unread, follows, resume, came } = props.value;
  state.replaceChildren(
    ...said.map((one) => make('p', { textContent: both(one) })),
    ...notices.map((one) => make('p', { className: 'told', textContent: both(one) })),
  );
  doing.hidden = !progress;
  if (progress) {
    bar.style.width = `${progress.total ? (100 * progress.done) / progress.total : 0}%`;
    now.textContent = both(progress.said);
    halt.disabled = !progress.stop;
  }
  halt.textContent = say('gallery_stop');
  read.textContent = say('gallery_index');
  read.hidden = !unread || Boolean(progress);
  follow.parentElement.hidden = follows === null || Boolean(progress);
  follow.checked = Boolean(follows);
  follow.nextElementSibling.textContent = say('gallery_follow');
  window.dispatchEvent(new CustomEvent('clipapp:follows', { detail: follows }));
  showDrop({ count: 0, bytes: 0, strip: [] });
  if (came && seen !== props.value) {
    seen = props.value;
    window.dispatchEvent(new CustomEvent('clipapp:came'));
  }
  if (resume && asked !== props.value) {
    asked = props.value;
    trigger('resume');
  }
};

read.addEventListener('click', () => {
  read.hidden = true;
  trigger('read');
});
follow.addEventListener('change', () => trigger('follow'));
halt.addEventListener('click', () => {
  halt.disabled = true;
  trigger('halt');
});
watch('value', show);
window.addEventListener('clipapp:language', show);
window.addEventListener('clipapp:heard', ({ detail }) => {
  if (!detail) return;
  props.value = detail;
  show();
});
show();
// What is set before Gradio has finished making the component is lost, and nothing tells when it
// has: what was heard is asked for until it is there.
const known = () => JSON.stringify([props.value.stamp, props.value.follows]);
const made = known();
for (const late of [0, 200, 1000, 3000]) {
  setTimeout(() => {
    if (known() === made) window.dispatchEvent(new CustomEvent('clipapp:panel'));
  }, late);
}

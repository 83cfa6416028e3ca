// Pictures to look for: chosen, dropped, pasted, or handed on by another tab.
const field = find('.field');
let added = []; // the pictures that are looked for since the last answer
const lookFor = async (file) => {
  if (!file) return;
  const { name, path, problem: why } = await send(file);
  if (why) return fail(why);
  const one = { path, name };
  added.push(one);
  set({ pictures: [...asked.pictures, one] });
};
find('.picture').addEventListener('click', () => find('.file').click());
find('.file').addEventListener('change', ({ target }) => { lookFor(target.files[0]); target.value = ''; });
field.addEventListener('dragover', (event) => {
  if (!dragsFiles(event)) return;
  event.preventDefault();
  field.classList.add('over');
});
field.addEventListener('dragleave', () => field.classList.remove('over'));
field.addEventListener('drop', (event) => {
  if (!dragsFiles(event)) return;
  event.preventDefault();
  field.classList.remove('over');
  lookFor(pictureIn(event.dataTransfer));
});
document.addEventListener('paste', (event) => {
  const file = here() && pictureIn(event.clipboardData);
  if (!file) return;
  event.preventDefault();
  lookFor(file);
});
window.addEventListener('clipapp:search-image', ({ detail: photo }) => {
  if (!photo) return;
  query.value = '';
  asked = { ...fresh(), pictures: [{ path: photo.path, name: photo.orig_name || 'photo' }] };
  window.clipApp.show('gallery');
  changed();
});

// What the batch and the matrix share: photographs laid on a part.
// A few at once: each is a request of its own, so that a large one does not hold up the others.
const SENT_AT_ONCE = 3;

/** A place to drop photographs, and a strip of the first that lie there; returns what shows it.
 *  They may be dropped anywhere in `zone`. */
const uploads = (box, asked = () => ({}), besides = '', zone = element) => {
  let sending = '';
  let refused = '';
  const input = make('input', { type: 'file', multiple: true });
  input.accept = `image/*,.heic,.heif,.avif${besides}`;
  const drop = make('label', { className: 'up-drop' }, input, make('span'));
  const fold = make('div', { className: 'up-fold' });
  const said = make('p', { className: 'up-said' });
  said.setAttribute('role', 'status');
  box.replaceChildren(drop, fold, said);

  const send = async (chosen) => {
    const files = chosen.filter((file) => !tooLarge(file));
    refused = chosen.map(tooLarge).find(Boolean);
    const sent = Array(files.length);
    let next = 0;
    let done = 0;
    const work = async () => {
      while (next < files.length) {
        const number = next++;
        sending = say('photos_sending', { done: done + 1, total: files.length });
        told();
        try {
          const { path } = await upload(files[number]);
          sent[number] = { path, name: files[number].name };
        } catch (error) {
          console.error(error);
        }
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: SENT_AT_ONCE }, work));
    sending = '';
    told();
    const arrived = sent.filter(Boolean);
    if (arrived.length) trigger('photos', { files: arrived, ...asked() });
  };
  const told = () => {
    said.textContent = sending || (refused ? say('image_file_too_large', refused) : '');
  };
  input.addEventListener('change', () => {
    const chosen = [...input.files];
    input.value = '';
    if (chosen.length) send(chosen);
  });
  for (const kind of ['dragover', 'dragleave', 'drop']) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle('up-over', kind === 'dragover');
      if (kind === 'drop') {
        const photos = [...event.dataTransfer.files];
        if (photos.length) send(photos);
      }
    });
  }

  const tile = ([name, path], number) => {
    const picture = path
      ? make('img', { src: served(path), alt: '', loading: 'lazy' })
      : make('span', { className: 'up-unread' }, '?');
    const remove = make('button', {
      type: 'button',
      title: name,
      ariaLabel: say('photos_remove', { name }),
    });
    remove.append(picture, make('span', { className: 'up-x', ariaHidden: 'true' }, '×'));
    remove.addEventListener('click', () => trigger('photos', { remove: number, ...asked() }));
    return make('li', {}, remove);
  };
  return (photos) => {
    const size = megabytes(photos.bytes);
    drop.lastChild.textContent = say(photos.count ? 'photos_more' : 'photos_drop');
    drop.classList.toggle('up-small', photos.count > 0);
    fold.hidden = !photos.count;
    const more = photos.count - photos.strip.length;
    const clear = make('button', { type: 'button', className: 'up-plain' }, say('photos_clear'));
    clear.addEventListener('click', () => trigger('photos', { clear: true, ...asked() }));
    fold.replaceChildren(
      make('b', {}, say('photos_count', { count: photos.count, size })),
      make('ul', { className: 'up-strip' }, ...photos.strip.map(tile)),
      ...(more > 0 ? [make('span', { className: 'up-more' }, `+${more}`)] : []),
      clear,
    );
    told();
  };
};

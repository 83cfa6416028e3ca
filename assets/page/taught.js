// What the model was taught, for the chips, the search field and the part that teaches.
const tell = () => {
  window.clipApp.taught = JSON.parse(props.value || '[]');
  let names = document.querySelector('#taught-names');
  if (!names) {
    names = document.createElement('datalist');
    names.id = 'taught-names';
    document.body.append(names);
  }
  names.replaceChildren(...window.clipApp.taught.map(({ name }) => {
    const option = document.createElement('option');
    option.value = `@${name}`;
    return option;
  }));
  // Only while there is something to offer: a field with a list has an arrow, and another role.
  for (const field of document.querySelectorAll('.entry, .query')) {
    if (window.clipApp.taught.length) field.setAttribute('list', names.id);
    else field.removeAttribute('list');
  }
  window.dispatchEvent(new Event('clipapp:taught'));
};
watch('value', tell);
tell();

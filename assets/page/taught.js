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
  window.dispatchEvent(new Event('clipapp:taught'));
};
watch('value', tell);
tell();

// The slider `.slide` of what cosines are multiplied by before a softmax, with the model's own value
// marked, and the button `.own` that goes back to it.
/** Calls `moved()` when it is moved; `of(own)`, told the model's own value, is the present one. */
const temperature = (moved) => {
  const slider = find('.slide input');
  const mark = find('.slide .mark');
  let own = null;
  let scale = null; // the model's own until it is moved
  const write = () => {
    const top = Math.log10(Math.max(100, own));
    const words = say('learn_pairs_temperature', { scale: show(scale, 1), tau: (1 / scale).toPrecision(2) });
    slider.max = top;
    slider.value = Math.log10(scale);
    slider.ariaValueText = words;
    mark.style.setProperty('--at', Math.log10(own) / top);
    find('.slide span').textContent = words;
    find('.own').textContent = say('learn_pairs_own', { scale: show(own, 1) });
    find('.own').disabled = scale === own;
  };
  const set = (to) => {
    scale = to;
    moved();
  };
  slider.addEventListener('input', () => set(10 ** slider.value));
  find('.own').addEventListener('click', () => set(own));
  return {
    set,
    of: (model) => {
      if (own !== model) [own, scale] = [model, scale === own ? model : scale];
      write();
      return scale;
    },
  };
};

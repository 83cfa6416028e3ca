
// Where the model looked, over the photograph. A card says which of its bars was chosen
// (`clipapp:look`), the server sends progress and map (`clipapp:looked`), and `clipapp:look-stop`,
// from here or from the card, takes all away.
let asked = null; // the card and label of the bar chosen
const endLook = () => { if (asked) tell('look-stop', asked.card); };
const panel = find('.looked');
const paintLooked = heatOver({ stage, picture: shown, panel, close: endLook });
stage.after(panel);
window.addEventListener('clipapp:look', ({ detail }) => {
  asked = detail;
  paintLooked({ state: 'running', label: detail.label });
  stage.scrollIntoView({ block: 'nearest' }); // on a phone the card is a screen below
});
window.addEventListener('clipapp:looked', ({ detail }) => {
  if (detail.card === asked?.card && detail.label === asked.label) paintLooked(detail);
});
window.addEventListener('clipapp:look-stop', ({ detail }) => {
  if (detail === asked?.card) paintLooked((asked = null));
});
window.clipApp.onTab(endLook);
